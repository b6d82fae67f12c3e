//! A file on its way in: counted, hashed and written to a nameless temporary file, which is gone with its handle, however
//! the process ends. Nothing is in the store before the whole file is here and has been looked at.

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::time::Duration;

use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

/// The most bytes of a file: 50 MiB.
pub const LIMIT_BYTES: u64 = 50 << 20;

/// How long a sender may send nothing.
const STALLED: Duration = Duration::from_secs(30);

/// How long the whole may take: a sender of a few bytes now and then is let go, too.
const WHOLE: Duration = Duration::from_mins(15);

/// A file that has come in as a whole.
#[derive(Debug)]
pub struct Received {
    /// Its bytes.
    pub(crate) file: File,
    /// How many bytes it has.
    pub(crate) size: u64,
    /// Of its bytes, in hexadecimal.
    pub(crate) sha256: String,
}

/// A file that is what its name says.
#[derive(Debug)]
pub struct Examined {
    /// Its bytes.
    pub file: File,
    /// How many bytes it has.
    pub size: u64,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// The same picture as WebP, where that says as much.
    pub webp: Option<File>,
}

/// Why a file has not come in.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is larger than the limit.
    #[error("a file has at most {LIMIT_BYTES} bytes")]
    TooLarge,
    /// Its sender sends nothing any more, or too little.
    #[error("the sender sent nothing for {} s, or took longer than {} min", STALLED.as_secs(), WHOLE.as_secs() / 60)]
    Stalled,
    /// Its sender broke off.
    #[error("the sender broke off: {0}")]
    BrokenOff(String),
    /// There is no room for it here.
    #[error("it cannot be written down: {0}")]
    Io(#[from] io::Error),
}

impl Received {
    /// Takes a body in, piece by piece.
    pub async fn receive<B, E>(body: impl Stream<Item = Result<B, E>> + Unpin + Send) -> Result<Self, ReceiveError>
    where
        B: AsRef<[u8]> + Send,
        E: Display + Send,
    {
        let end = Instant::now() + WHOLE;
        timeout_at(end, Self::write_down(body)).await.map_err(|_| ReceiveError::Stalled)?
    }

    async fn write_down<B, E>(mut body: impl Stream<Item = Result<B, E>> + Unpin + Send) -> Result<Self, ReceiveError>
    where
        B: AsRef<[u8]> + Send,
        E: Display + Send,
    {
        let mut file = tokio::fs::File::from_std(in_background(tempfile::tempfile).await??);
        let (mut size, mut hash) = (0_u64, Sha256::new());
        while let Some(piece) = timeout(STALLED, body.next()).await.map_err(|_| ReceiveError::Stalled)? {
            let piece = piece.map_err(|error| ReceiveError::BrokenOff(error.to_string()))?;
            let bytes = piece.as_ref();
            size = size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            if size > LIMIT_BYTES {
                return Err(ReceiveError::TooLarge);
            }
            hash.update(bytes);
            file.write_all(bytes).await?;
        }
        file.flush().await?;
        Ok(Self { file: file.into_std().await, size, sha256: format!("{:x}", hash.finalize()) })
    }
}

/// What cannot wait on the executor; a panic in it is an error.
pub async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)
}
