//! A file on its way in: counted, hashed and written to a nameless temporary file, which is gone with its handle, however
//! the process ends. Nothing is in the store before the whole file is here and has been looked at.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write as _};
use std::time::Duration;

use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout, timeout_at};

/// The most bytes of a file: 50 MiB.
pub const LIMIT_BYTES: u64 = 50 << 20;

/// How many bytes are hashed and written at a time.
const BLOCK_BYTES: usize = 256 << 10;

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
        let mut writing = in_background(Writing::begin).await??;
        let mut block = Vec::new();
        while let Some(piece) = timeout(STALLED, body.next()).await.map_err(|_| ReceiveError::Stalled)? {
            let piece = piece.map_err(|error| ReceiveError::BrokenOff(error.to_string()))?;
            block.extend_from_slice(piece.as_ref());
            let size = writing.size.saturating_add(u64::try_from(block.len()).unwrap_or(u64::MAX));
            if size > LIMIT_BYTES {
                return Err(ReceiveError::TooLarge);
            }
            if block.len() >= BLOCK_BYTES {
                writing = writing.take(std::mem::take(&mut block)).await?;
            }
        }
        let Writing { file, size, hash } = writing.take(block).await?;
        Ok(Self { file, size, sha256: format!("{:x}", hash.finalize()) })
    }
}

/// A file that is written down and hashed, block by block, where that holds nobody up.
struct Writing {
    file: File,
    size: u64,
    hash: Sha256,
}

impl Writing {
    fn begin() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, size: 0, hash: Sha256::new() })
    }

    async fn take(mut self, block: Vec<u8>) -> io::Result<Self> {
        in_background(move || {
            self.hash.update(&block);
            self.file.write_all(&block)?;
            self.size = self.size.saturating_add(u64::try_from(block.len()).unwrap_or(u64::MAX));
            Ok(self)
        })
        .await?
    }
}

/// What cannot wait on the executor; a panic in it is an error.
pub async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    rollbook_background::compute(work).await.map_err(io::Error::other)
}
