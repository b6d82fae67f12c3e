//! Where files are kept, as it is configured: a folder of this machine, or a bucket that speaks S3.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path as FolderPath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::ClientConfigKey;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, RetryConfig};

use crate::files::Files;
use crate::folder::Folder;

/// How the address of a bucket begins.
const BUCKET: &str = "s3://";

/// How a variable begins that is about the bucket.
const VARIABLE: &str = "AWS_";

/// How long a bucket may say nothing, and how long one request to it may take, in the words of its client.
const PATIENCE: [(ClientConfigKey, &str); 2] =
    [(ClientConfigKey::ReadTimeout, "30 seconds"), (ClientConfigKey::Timeout, "15 minutes")];

/// Why there is no place for files.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is nothing that can be a place.
    #[error("{0:?} is no place for files; it looks like a folder, or like s3://bucket/prefix")]
    Unreadable(String),
    /// The folder cannot be made or used.
    #[error("the folder for files, {0}, cannot be used: {reason}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// A variable of the bucket cannot be read.
    #[error("the bucket for files cannot be used: {0}")]
    Bucket(String),
}

impl Files {
    /// Files in a folder, or in the bucket that `s3://bucket/prefix` names and the `AWS_…` variables describe.
    pub fn open(place: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, PlaceError> {
        let unreadable = || PlaceError::Unreadable(place.to_owned());
        match place.strip_prefix(BUCKET) {
            Some(address) => {
                let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
                let fits =
                    |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
                if bucket.is_empty() || !bucket.chars().all(fits) {
                    return Err(unreadable());
                }
                Self::in_bucket(bucket, Path::parse(prefix).map_err(|_| unreadable())?, variables)
            }
            None if place.is_empty() || place.contains("://") => Err(unreadable()),
            None => Self::in_folder(FolderPath::new(place)),
        }
    }

    /// Files in a folder, which is made if it is not there.
    pub fn in_folder(folder: &FolderPath) -> Result<Self, PlaceError> {
        let unusable =
            |error: &dyn std::fmt::Display| PlaceError::Folder { folder: folder.to_owned(), reason: error.to_string() };
        // What is in it is for those who may have it, and for nobody else on this machine.
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| unusable(&error))?;
        let folder = folder.canonicalize().map_err(|error| unusable(&error))?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| unusable(&error))?.with_fsync(true);
        Ok(Self::new(Arc::new(store), Path::default(), Some(Folder::new(folder))))
    }

    fn in_bucket(
        bucket: &str,
        prefix: Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, PlaceError> {
        // Whoever has installed one before has settled which it is.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = AmazonS3Builder::new().with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 3,
            retry_timeout: Duration::from_secs(20),
        });
        for (key, value) in PATIENCE {
            builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
        }
        for (name, value) in variables {
            let key = name.starts_with(VARIABLE).then(|| name.to_ascii_lowercase().parse());
            // There are more variables of that beginning than the client knows.
            if let Some(Ok(key)) = key {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.with_bucket_name(bucket).build().map_err(|error| PlaceError::Bucket(error.to_string()))?;
        Ok(Self::new(Arc::new(store), prefix, None))
    }
}
