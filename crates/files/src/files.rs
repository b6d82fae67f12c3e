//! The store of files: whole objects under keys, written once, read in parts. What is in them it does not know.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::checked::{CheckedFile, ObjectKey};
use crate::folder::Folder;
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
    folder: Option<Folder>,
}

/// What goes wrong with the store of files. Keys have names in them, which are nobody else's business: no message has one.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The store has no such object.
    #[error("the store has no such file")]
    Missing,
    /// The store has another file there than the database says.
    #[error("the store has a file of another size than the database says")]
    OtherSize,
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
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: Path, folder: Option<Folder>) -> Self {
        Self { store, prefix, folder }
    }

    /// Keeps a file and its WebP. What was begun and not ended is taken away again with [`Self::remove`].
    pub async fn keep(&self, file: &CheckedFile, examined: Examined) -> Result<(), FilesError> {
        if let (Some(key), Some(webp)) = (file.webp(), examined.webp) {
            self.put(key, webp).await?;
        }
        self.put(file.key(), examined.file).await
    }

    async fn put(&self, key: &ObjectKey, content: File) -> Result<(), FilesError> {
        let path = self.path(key).await?;
        let mut content = tokio::fs::File::from_std(content);
        content.rewind().await.map_err(|error| failed(key, &error))?;
        let mut writer = BufWriter::with_capacity(Arc::clone(&self.store), path, PART_BYTES).with_max_concurrency(2);
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
    pub async fn size(&self, key: &ObjectKey) -> Result<u64, FilesError> {
        Ok(self.store.head(&self.path(key).await?).await.map_err(|error| of_store(key, error))?.size)
    }

    /// Some of the bytes of an object, as they come. It must have as many bytes in all as whoever asks believes.
    pub async fn read(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
        size: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, FilesError>>, FilesError> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let options = object_store::GetOptions { range: Some(range.into()), ..Default::default() };
        let found = self.store.get_opts(&self.path(key).await?, options).await;
        let found = found.map_err(|error| of_store(key, error))?;
        if found.meta.size != size {
            return Err(FilesError::OtherSize);
        }
        let key = key.clone();
        Ok(found.into_stream().map_err(move |error| of_store(&key, error)).boxed())
    }

    /// Takes a file and its WebP away, with whatever a process that was killed has left beside them. What is not there is
    /// no error.
    pub async fn remove(&self, file: &CheckedFile) -> Result<(), FilesError> {
        let keys = file.webp().into_iter().chain([file.key()]);
        if let Some(folder) = &self.folder {
            return folder.remove(keys.cloned().collect()).await.map_err(|error| failed(file.key(), &error));
        }
        for key in keys {
            match self.store.delete(&self.path(key).await?).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(of_store(key, error)),
            }
        }
        Ok(())
    }

    /// Where the store has an object; in a folder, only where no link leads out of it.
    async fn path(&self, key: &ObjectKey) -> Result<Path, FilesError> {
        if let Some(folder) = &self.folder {
            folder.refuse_links(key).await.map_err(|error| failed(key, &error))?;
        }
        Ok(self.prefix.parts().chain(key.parts().iter().map(|part| part.as_str().into())).collect())
    }
}

fn of_store(key: &ObjectKey, error: object_store::Error) -> FilesError {
    match error {
        object_store::Error::NotFound { .. } => FilesError::Missing,
        error => failed(key, &error),
    }
}

fn failed(key: &ObjectKey, error: &dyn fmt::Display) -> FilesError {
    FilesError::Failed(error.to_string().replace(key.name(), "…"))
}
