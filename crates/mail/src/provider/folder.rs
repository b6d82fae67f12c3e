//! Messages as files, for an installation that nobody has told how to deliver: one `.eml` each, named by its id. It never
//! leaves half a file: what was written again is the same file. What holds a secret is taken away when that is good no more.

use std::ffi::OsStr;
use std::fs::{DirBuilder, DirEntry, File, OpenOptions, read_dir, remove_file, rename};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rollbook_domain::MessageId;
use uuid::Uuid;

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

    /// Takes away the letters with these subjects that were written before an instant, as far as they can be: only what a message's
    /// file is called, and what begins as one does. How many.
    pub async fn remove_old(&self, subjects: &'static [&'static str], before: SystemTime) -> io::Result<usize> {
        let directory = self.directory.clone();
        let removed = tokio::task::spawn_blocking(move || {
            let files = match read_dir(&directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                files => files?,
            };
            let mut removed = 0;
            for file in files {
                let file = file?;
                if is_ours(&file.file_name()) && is_old(&file, before)? && has_subject(&file.path(), subjects)? {
                    remove_file(file.path())?;
                    removed += 1;
                }
            }
            Ok(removed)
        });
        removed.await.map_err(io::Error::other)?
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

/// Whether a file is called as a message's is, whole or not.
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_str().map(|name| name.strip_suffix(".part").unwrap_or(name));
    let id = name.and_then(|name| name.strip_suffix(".eml")).and_then(|id| id.parse::<Uuid>().ok());
    id.is_some_and(|id| name == Some(&*file(MessageId(id))))
}

/// Whether it is a file, and was written before an instant.
fn is_old(file: &DirEntry, before: SystemTime) -> io::Result<bool> {
    let known = file.metadata()?;
    Ok(known.is_file() && known.modified()? < before)
}

/// Whether a message has one of these subjects, as its head says.
fn has_subject(path: &Path, subjects: &[&str]) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines().take_while(|line| !line.is_empty());
    Ok(lines.any(|line| line.strip_prefix("Subject: ").is_some_and(|subject| subjects.contains(&subject))))
}

/// How far into a message its head is looked for.
const HEAD: u64 = 16 * 1_024;

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
