//! What a run cannot help: time of processors that the host of a virtual machine gives to others, and a disk that is slow
//! to write down what the log waits for. Without it, a slow answer says nothing of the service.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::usage::stolen;
use crate::Error;

/// How often a little is written down, and how much, in bytes: a page of the log.
const EVERY: Duration = Duration::from_millis(100);
const WRITTEN: usize = 8 << 10;

/// What was seen of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    /// The time that all processors of the machine together were owed, and others had.
    pub stolen: Duration,
    /// The longest that a page took to be on the disk.
    pub slowest_write: Duration,
}

/// Listens to it on a thread of its own.
#[derive(Debug)]
pub struct Listening {
    before: Duration,
    /// It ends when this does.
    going_on: Sender<()>,
    thread: JoinHandle<Result<Duration, Error>>,
}

impl Listening {
    /// Begins, in a folder of the disk that it is about.
    pub fn start(folder: &Path) -> Result<Self, Error> {
        let mut file = tempfile::tempfile_in(folder).map_err(Error::io("making a file to write to"))?;
        let (going_on, ended) = channel::<()>();
        let thread = thread::spawn(move || {
            let mut slowest = Duration::ZERO;
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                slowest = slowest.max(written(&mut file).map_err(Error::io("writing to the disk"))?);
            }
            Ok(slowest)
        });
        Ok(Self { before: stolen()?, going_on, thread })
    }

    /// What was heard.
    pub fn finish(self) -> Result<Noise, Error> {
        drop(self.going_on);
        let slowest_write = self.thread.join().map_err(|_| Error::Broken("whoever wrote has failed".to_owned()))??;
        Ok(Noise { stolen: stolen()?.saturating_sub(self.before), slowest_write })
    }
}

/// Writes a page to the disk; how long it took.
fn written(file: &mut File) -> std::io::Result<Duration> {
    let began = Instant::now();
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&[1; WRITTEN])?;
    file.sync_data()?;
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_write_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let listening = Listening::start(folder.path()).unwrap();
        thread::sleep(EVERY * 3);
        let noise = listening.finish().unwrap();
        assert!(noise.slowest_write > Duration::ZERO, "{noise:?}");
        assert!(Listening::start(&folder.path().join("nowhere")).is_err());
    }
}
