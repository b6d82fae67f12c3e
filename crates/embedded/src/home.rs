//! Prepares the data directory and decides where the cluster is; never removes anything, nor opens a folder to other people.

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::Say;
use crate::error::{Error, io};
use crate::find::Search;
use crate::locks::StartLock;
use crate::privileges::ServerUser;
use crate::secrets::{random_hex, write_durably};

/// Names the folder that stands in for a data directory which the server's user cannot reach.
const POINTER: &str = "elsewhere";

/// A folder with an instance's locks, passwords and cluster: the data directory, or one that stands in for it.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub directory: PathBuf,
    pub user: ServerUser,
    /// User and group that our own files belong to.
    pub owner: (u32, u32),
}

impl Home {
    /// Makes or takes up the home of a data directory.
    pub async fn open(data_dir: &Path, search: &Search, say: &Say) -> Result<Self, Error> {
        let refuse = |reason: String| Error::DataDirectory { path: data_dir.into(), reason };
        let made = make(data_dir)?;
        let directory = fs::canonicalize(data_dir).map_err(io("find", data_dir))?;
        let meta = fs::metadata(&directory).map_err(io("look at", data_dir))?;
        let me = geteuid();
        if !meta.is_dir() {
            return Err(refuse("it is not a folder. Name another.".into()));
        }
        if !me.is_root() && meta.uid() != me.as_raw() {
            return Err(refuse(format!("it belongs to user {}. Run as that user, or name another.", meta.uid())));
        }
        if directory.to_str().is_none_or(|path| path.contains(['"', '$', '`', '\\', '\n'])) {
            return Err(refuse(
                "`pg_ctl` does not stand its name (quotes, `$`, `\\`, or not UTF-8). Name another.".into(),
            ));
        }
        let user = ServerUser::for_directory_of(meta.uid()).await?;
        let home = Self { user, owner: (meta.uid(), meta.gid()), directory };
        if made || home.is_ours()? {
            home.close(&meta)?;
        } else if meta.mode() & 0o022 != 0 {
            return Err(refuse(
                "other users can write to it. Take that right away (chmod go-w), or name another.".into(),
            ));
        }
        if !home.user.switches() {
            return Ok(home);
        }

        // One at a time from here: two must not each make a folder elsewhere.
        let _lock = StartLock::take(&home.directory, home.owner, say).await?;
        let pointer = home.directory.join(POINTER);
        match fs::read_to_string(&pointer) {
            Ok(text) => return home.at(Path::new(text.trim_end_matches('\n'))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io("read", pointer)(error)),
        }
        if home.user.reaches(&home.directory).await {
            return Ok(home);
        }
        if home.directory.join("cluster").exists() {
            let name = &home.user.name;
            return Err(refuse(format!(
                "{name}, whom PostgreSQL runs as, cannot reach the data in it any more. Let others pass the folders above it \
                 (chmod o+x), or move it back to where it was."
            )));
        }
        let moved = home.move_out(&pointer, &search.elsewhere).await?;
        say(&format!(
            "PostgreSQL runs as {}, who cannot reach {}: its data goes to {}",
            moved.user.name,
            home.directory.display(),
            moved.directory.display()
        ));
        Ok(moved)
    }

    /// Takes up the folder that stands in for this one.
    fn at(&self, directory: &Path) -> Result<Self, Error> {
        // Anybody may have made a folder of that name since, were ours gone.
        let owner = fs::symlink_metadata(directory).ok().filter(Metadata::is_dir).map(|meta| meta.uid());
        if owner != Some(self.owner.0) {
            return Err(Error::DataDirectory {
                path: self.directory.clone(),
                reason: format!(
                    "its data was in {}, which is gone. Bring it back, or remove {} to start with an empty database.",
                    directory.display(),
                    self.directory.join(POINTER).display()
                ),
            });
        }
        Ok(Self { directory: directory.into(), ..self.clone() })
    }

    /// Makes a folder where the server's user can reach it, and a note of where that is.
    async fn move_out(&self, pointer: &Path, places: &[PathBuf]) -> Result<Self, Error> {
        for place in places {
            let Ok(place) = fs::canonicalize(place) else { continue };
            let directory = place.join(format!("rollbook-{}", random_hex(6)?));
            if DirBuilder::new().mode(0o700).create(&directory).is_err() {
                continue;
            }
            let home = Self { directory, ..self.clone() };
            home.close(&fs::metadata(&home.directory).map_err(io("look at", &home.directory))?)?;
            if home.user.reaches(&home.directory).await {
                write_durably(pointer, &format!("{}\n", home.directory.display()), self.owner, 0o600)?;
                return Ok(home);
            }
            let _ = fs::remove_dir(&home.directory);
        }
        Err(Error::DataDirectory {
            path: self.directory.clone(),
            reason: format!(
                "{}, whom PostgreSQL runs as, cannot reach it, nor any of {places:?}. Name one that it can reach.",
                self.user.name
            ),
        })
    }

    /// Whether an instance made this folder, or it is empty: then its permissions are ours to set.
    fn is_ours(&self) -> Result<bool, Error> {
        let mut entries = fs::read_dir(&self.directory).map_err(io("read", &self.directory))?;
        Ok(self.directory.join("start.lock").exists() || entries.next().is_none())
    }

    /// Keeps everybody out; but lets the server's group through (not look around) when it is not ours.
    fn close(&self, meta: &Metadata) -> Result<(), Error> {
        let mode = if self.user.switches() { 0o710 } else { 0o700 };
        if self.user.switches() && meta.gid() != self.user.gid() {
            chown(&self.directory, None, Some(self.user.gid())).map_err(io("change the group of", &self.directory))?;
        }
        if meta.mode() & 0o7777 != mode {
            fs::set_permissions(&self.directory, Permissions::from_mode(mode))
                .map_err(io("change the permissions of", &self.directory))?;
        }
        Ok(())
    }
}

/// Makes a data directory, and tells whether it was missing.
fn make(path: &Path) -> Result<bool, Error> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(io("make", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io("make", path)(error)),
    }
}
