//! Messages as files, for an installation that nobody has told how to deliver: one `.eml` each, named by its id. It never
//! leaves half a file: what was written again is the same file. What holds a secret is taken away when that is good no more.

use std::fs::{DirBuilder, OpenOptions, rename};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rollbook_domain::MessageId;

use super::{Answer, Fate};
use crate::letter::Eml;

/// A folder.
#[derive(Debug)]
pub struct Folder {
    directory: PathBuf,
}

impl Folder {
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Takes a message's file away, and what is left of one that was never whole; that there is none is as good.
    pub async fn remove(&self, message: MessageId) -> io::Result<()> {
        for name in [file(message), part(message)] {
            match tokio::fs::remove_file(self.directory.join(name)).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    pub async fn deliver(&self, messages: Vec<Eml>) -> Answer {
        let directory = self.directory.clone();
        let written = tokio::task::spawn_blocking(move || {
            messages.iter().try_for_each(|message| write(&directory, message))?;
            Ok::<_, io::Error>(vec![Fate::Taken { id: None }; messages.len()])
        });
        let unknown = |why: String| Answer::Unknown { why, after: None };
        match written.await {
            Ok(Ok(fates)) => Answer::Each(fates),
            Ok(Err(error)) => unknown(format!("the files cannot be written: {error}")),
            Err(_) => unknown("writing the files was broken off".to_owned()),
        }
    }
}

/// Writes a message beside its place, and moves it there when it is whole. Only the service's user can read it.
fn write(directory: &Path, message: &Eml) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let place = directory.join(file(message.message_id));
    let beside = directory.join(part(message.message_id));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(message.source.as_str().as_bytes())?;
    file.sync_all()?;
    rename(beside, place)
}

/// What a message's file is called.
fn file(message: MessageId) -> String {
    format!("{message}.eml")
}

/// What it is called until it is whole.
fn part(message: MessageId) -> String {
    format!("{message}.eml.part")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use uuid::Uuid;

    use super::*;

    fn eml(number: u128) -> Eml {
        let (from, to) = ("school@example.org".to_owned(), "anna@example.org".into());
        Eml { message_id: MessageId(Uuid::from_u128(number)), from, to, source: format!("Number {number}").into() }
    }

    #[tokio::test]
    async fn a_message_that_is_written_again_is_the_same_file() {
        let made = tempfile::tempdir().unwrap();
        let directory = made.path().join("a/b");
        let folder = Folder::new(directory.clone());
        for messages in [vec![eml(1)], vec![eml(1), eml(2)]] {
            let taken = vec![Fate::Taken { id: None }; messages.len()];
            assert_eq!(folder.deliver(messages).await, Answer::Each(taken));
        }
        let mut files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        files.sort_unstable();
        let name = |number: u128| format!("{}.eml", Uuid::from_u128(number));
        assert_eq!(files, [name(1), name(2)].map(std::ffi::OsString::from));
        assert_eq!(fs::read_to_string(directory.join(name(2))).unwrap(), "Number 2");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_is_told_and_may_be_tried_again() {
        let made = tempfile::tempdir().unwrap();
        let file = made.path().join("file");
        fs::write(&file, "").unwrap();
        let answer = Folder::new(file.join("emails")).deliver(vec![eml(1)]).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{answer:?}");
    }
}
