//! Who uses an instance, and who may start or stop it, as file locks that end with their process; never waits without a limit.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, fchown};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Say;
use crate::error::{Error, io};

const STEP: Duration = Duration::from_millis(25);
/// How long to wait before saying so.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longer than a start or a stop may take, which are bounded themselves.
const LIMIT: Duration = Duration::from_secs(400);

/// The right to start or stop the server: one process at a time. Ends when dropped.
#[derive(Debug)]
pub(crate) struct StartLock(#[expect(dead_code, reason = "held, not read")] File);

impl StartLock {
    /// Waits for the right. `owner` is whom the lock file belongs to.
    pub async fn take(directory: &Path, owner: (u32, u32), say: &Say) -> Result<Self, Error> {
        let path = directory.join("start.lock");
        let file = open(&path, owner)?;
        let began = Instant::now();
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(io("lock", &path)(error)),
            }
            if began.elapsed() > LIMIT {
                return Err(Error::Busy { path: directory.into(), seconds: LIMIT.as_secs() });
            }
            if !said && began.elapsed() > PATIENCE {
                said = true;
                say("waiting for another process that is starting or stopping PostgreSQL");
            }
            tokio::time::sleep(STEP).await;
        }
    }
}

/// A user's mark on a running instance. Ends when dropped, or when the process ends.
#[derive(Debug)]
pub(crate) struct UserMark {
    file: File,
    path: std::path::PathBuf,
}

impl UserMark {
    /// Opens the mark without setting it.
    pub fn open(directory: &Path, owner: (u32, u32)) -> Result<Self, Error> {
        let path = directory.join("instance.lock");
        Ok(Self { file: open(&path, owner)?, path })
    }

    /// Sets it. Call it with the start lock held, so that nobody is just asking whether he is alone.
    pub fn set(&self) -> Result<(), Error> {
        match self.file.try_lock_shared() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(io("lock", &self.path)(std::io::ErrorKind::WouldBlock.into())),
            Err(TryLockError::Error(error)) => Err(io("lock", &self.path)(error)),
        }
    }

    /// Takes it off, and tells whether nobody else has one. Call it with the start lock held.
    pub fn clear(&self) -> Result<bool, Error> {
        let io = |error| io("lock", &self.path)(error);
        self.file.unlock().map_err(io)?;
        match self.file.try_lock() {
            Ok(()) => {
                self.file.unlock().map_err(io)?;
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

/// Opens a lock file. One that root makes in somebody's data directory is made his, or he could not open it later.
fn open(path: &Path, (uid, gid): (u32, u32)) -> Result<File, Error> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(io("open", path))?;
    if nix::unistd::geteuid().as_raw() != uid {
        fchown(&file, Some(uid), Some(gid)).map_err(io("change the owner of", path))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> (u32, u32) {
        (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw())
    }

    #[test]
    fn only_the_last_user_is_alone() {
        let directory = tempfile::tempdir().unwrap();
        let first = UserMark::open(directory.path(), me()).unwrap();
        let second = UserMark::open(directory.path(), me()).unwrap();
        first.set().unwrap();
        second.set().unwrap();
        assert!(!first.clear().unwrap());
        assert!(second.clear().unwrap());
    }

    #[tokio::test]
    async fn one_starts_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let say: Say = std::sync::Arc::new(|_: &str| {});
        let first = StartLock::take(directory.path(), me(), &say).await.unwrap();
        let second = StartLock::take(directory.path(), me(), &say);
        assert!(tokio::time::timeout(Duration::from_millis(200), second).await.is_err());
        drop(first);
        StartLock::take(directory.path(), me(), &say).await.unwrap();
    }
}
