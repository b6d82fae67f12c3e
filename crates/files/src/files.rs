//! The store of files: whole objects under keys, written once, read in parts. What is in them it does not know.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use rollbook_domain::SiteId;
use rollbook_domain::file::StoredFile;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use crate::format::Format;
use crate::name::FileName;
use crate::received::Examined;

/// How much of a file is in memory at once: the least part that S3 takes is 5 MiB.
const PART_BYTES: usize = 6 << 20;

/// How many bytes of a file are read at once.
const PIECE_BYTES: usize = 256 << 10;

/// Where files are kept. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// Before every key.
    prefix: Path,
    /// Where that is on this machine, unless it is elsewhere.
    folder: Option<PathBuf>,
}

/// What goes wrong with the store of files. Keys have names in them, which are nobody else's business: no message has one.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The store has no such object.
    #[error("the store has no such file")]
    Missing,
    /// The store cannot be reached, is full, or refuses.
    #[error("the store of files failed: {0}")]
    Failed(String),
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Files({} {})", self.store, self.prefix)
    }
}

impl Files {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: Path, folder: Option<PathBuf>) -> Self {
        Self { store, prefix, folder }
    }

    /// What a file will be known as, once it is kept. A picture's WebP is beside it.
    pub fn describe(site: SiteId, id: Uuid, name: &FileName, file: &Examined) -> StoredFile {
        let format = name.format();
        let folder = format!("sites/{site}/{}/{id}", format.kind().as_str());
        StoredFile {
            key: format!("{folder}/{}", name.in_key(format.extension())),
            name: name.shown().to_owned(),
            size: file.size,
            sha256: file.sha256.clone(),
            media_type: format.media_type().to_owned(),
            webp_key: file.webp.as_ref().map(|_| format!("{folder}/{}", name.in_key(Format::Webp.extension()))),
        }
    }

    /// Keeps a file and its WebP. What was begun and not ended is taken away again with [`Self::remove`].
    pub async fn keep(&self, file: &StoredFile, examined: Examined) -> Result<(), FilesError> {
        if let (Some(key), Some(webp)) = (&file.webp_key, examined.webp) {
            self.put(key, &*webp).await?;
        }
        self.put(&file.key, tokio::fs::File::from_std(examined.file)).await
    }

    async fn put(&self, key: &str, mut content: impl AsyncRead + Unpin) -> Result<(), FilesError> {
        let mut writer =
            BufWriter::with_capacity(Arc::clone(&self.store), self.path(key)?, PART_BYTES).with_max_concurrency(2);
        let written = async {
            loop {
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                if (&mut content).take(PIECE_BYTES as u64).read_to_end(&mut piece).await? == 0 {
                    return Ok::<_, io::Error>(());
                }
                writer.put(piece.into()).await?;
            }
        }
        .await;
        match written {
            Ok(()) => writer.shutdown().await.map_err(|error| failed(key, &error)),
            Err(error) => {
                writer.abort().await.map_err(|error| failed(key, &error))?;
                Err(failed(key, &error))
            }
        }
    }

    /// How many bytes an object has.
    pub async fn size(&self, key: &str) -> Result<u64, FilesError> {
        Ok(self.store.head(&self.path(key)?).await.map_err(|error| of_store(key, error))?.size)
    }

    /// Some of an object's bytes, as they come.
    pub async fn read(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, FilesError>>, FilesError> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let options = object_store::GetOptions { range: Some(range.into()), ..Default::default() };
        let found = self.store.get_opts(&self.path(key)?, options).await.map_err(|error| of_store(key, error))?;
        let key = key.to_owned();
        Ok(found.into_stream().map_err(move |error| of_store(&key, error)).boxed())
    }

    /// Takes a file and its WebP away, with whatever a process that was killed has left beside them. What is not there is
    /// no error.
    pub async fn remove(&self, file: &StoredFile) -> Result<(), FilesError> {
        for key in file.webp_key.iter().chain([&file.key]) {
            match self.store.delete(&self.path(key)?).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(of_store(key, error)),
            }
        }
        let Some((root, (of_file, _))) = self.folder.as_ref().zip(file.key.rsplit_once('/')) else { return Ok(()) };
        match tokio::fs::remove_dir_all(root.join(of_file)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&file.key, &error)),
            _ => Ok(()),
        }
    }

    /// Keys come from the log and from the table, and never have what a path could turn round at.
    fn path(&self, key: &str) -> Result<Path, FilesError> {
        let within = Path::parse(key).map_err(|error| failed(key, &error))?;
        Ok(self.prefix.parts().chain(within.parts()).collect())
    }
}

fn of_store(key: &str, error: object_store::Error) -> FilesError {
    match error {
        object_store::Error::NotFound { .. } => FilesError::Missing,
        error => failed(key, &error),
    }
}

fn failed(key: &str, error: &dyn fmt::Display) -> FilesError {
    let name = key.rsplit('/').next().unwrap_or(key);
    FilesError::Failed(error.to_string().replace(name, "…"))
}
