//! Whether there is room left on the disks that the service writes to. It stops taking what it is sent while there still is:
//! a disk that is full stops everybody, the database first.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;

use crate::problem::ApiError;

/// What is left free, in bytes, where the operator says nothing else: enough for the database to go on for a while, and to be
/// looked after.
pub const RESERVE_BYTES: u64 = 512 << 20;

/// For how long what a disk had left is believed.
const LOOKED: Duration = Duration::from_secs(1);

/// The disks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Room {
    folders: Arc<[PathBuf]>,
    reserve: u64,
    least: Arc<Mutex<Option<(Instant, u64)>>>,
}

/// Nobody says where the service writes to: there is always room.
impl Default for Room {
    fn default() -> Self {
        Self::new(Vec::new(), 0)
    }
}

impl Room {
    /// The disks that these folders are on, each of which must have so many bytes free.
    pub fn new(folders: Vec<PathBuf>, reserve: u64) -> Self {
        Self { folders: folders.into(), reserve, least: Arc::default() }
    }

    /// Refuses what would come to lie on a disk that has less than the reserve left.
    pub(crate) fn is_left(&self) -> Result<(), ApiError> {
        if self.free() >= self.reserve {
            return Ok(());
        }
        tracing::error!(
            reserve = self.reserve,
            "there is no room left on a disk: nothing is taken any more that grows"
        );
        Err(ApiError::NoRoom)
    }

    /// The bytes of the disk that has fewest left. One that cannot be asked does not stop the service.
    fn free(&self) -> u64 {
        let mut least = self.least.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, free)) = least.filter(|(at, _)| at.elapsed() < LOOKED) {
            return free;
        }
        let free = |folder: &PathBuf| match statvfs(folder) {
            Ok(disk) => Some(disk.blocks_available().saturating_mul(disk.fragment_size())),
            Err(error) => {
                tracing::warn!(%error, "it is not known how much room a disk has left");
                None
            }
        };
        let free = self.folders.iter().filter_map(free).min().unwrap_or(u64::MAX);
        *least = Some((Instant::now(), free));
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_until_a_disk_has_less_than_the_reserve() {
        let here = || vec![std::env::temp_dir()];
        assert!(Room::default().is_left().is_ok());
        assert!(Room::new(here(), 1).is_left().is_ok());
        assert!(matches!(Room::new(here(), u64::MAX).is_left(), Err(ApiError::NoRoom)));
        let nowhere = vec![PathBuf::from("/nowhere/at/all")];
        assert!(Room::new(nowhere, 1).is_left().is_ok());
    }
}
