//! What a folder of this machine needs besides the store's own client: no link in it leads out of it, and what is taken
//! away is taken away name by name. Nothing here removes a folder that has something in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checked::ObjectKey;
use crate::received::in_background;

/// What stands between an object's name and a number in the name of what is still being written.
const UNFINISHED: char = '#';

/// The folder that all objects are in; its own path has no links.
#[derive(Clone)]
pub struct Folder(Arc<PathBuf>);

impl Folder {
    /// A folder by its canonical path.
    pub fn new(root: PathBuf) -> Self {
        Self(Arc::new(root))
    }

    /// Refuses an object on whose way there is a link, for whoever may write into the folder must not lead us out of it.
    /// This looks and does not hold: it is no help against somebody who changes the folder at this very moment.
    pub async fn refuse_links(&self, key: &ObjectKey) -> io::Result<()> {
        let (root, key) = (Arc::clone(&self.0), key.clone());
        in_background(move || refuse_links(&root, &key)).await?
    }

    /// Takes objects of one upload away, and what a process that was killed has left of them; then the upload's folder,
    /// which must be empty by now. What is not there is no error.
    pub async fn remove(&self, keys: Vec<ObjectKey>) -> io::Result<()> {
        let root = Arc::clone(&self.0);
        in_background(move || {
            keys.iter().try_for_each(|key| remove(&root, key))?;
            let upload = keys.first().map(|key| upload_folder(&root, key));
            upload.map_or(Ok(()), |folder| or_gone(fs::remove_dir(folder)))
        })
        .await?
    }
}

fn refuse_links(root: &Path, key: &ObjectKey) -> io::Result<()> {
    let mut path = root.to_owned();
    for part in key.parts() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => return Err(io::Error::other("there is a link in the folder for files")),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn remove(root: &Path, key: &ObjectKey) -> io::Result<()> {
    refuse_links(root, key)?;
    let folder = upload_folder(root, key);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| is_of(name, key.name())) {
            or_gone(fs::remove_file(entry.path()))?;
        }
    }
    Ok(())
}

/// Whether a file's name is an object's, or that of what is still being written of it.
fn is_of(name: &str, object: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let rest = name.strip_prefix(object);
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(UNFINISHED).is_some_and(is_number))
}

fn upload_folder(root: &Path, key: &ObjectKey) -> PathBuf {
    let [sites, site, kind, upload, _] = key.parts();
    root.join(sites).join(site).join(kind).join(upload)
}

fn or_gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
