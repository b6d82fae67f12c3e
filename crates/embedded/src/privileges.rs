//! Which user the server's processes run as, and how they are started; never raises privileges, only gives them up.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User, geteuid};

use crate::error::{Error, io};

/// Users that the server can run as when we are root, best first.
const CANDIDATES: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// Environment variables that the server's programs keep: without them a hand-built server may not find its libraries.
const KEPT: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];

/// The user that owns the cluster and runs its processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUser {
    pub name: String,
    uid: u32,
    gid: u32,
    switch: bool,
}

impl ServerUser {
    /// The user for a data directory that belongs to `owner`: that one; if it is root, the first that can run programs here.
    pub async fn for_directory_of(owner: u32) -> Result<Self, Error> {
        if owner != 0 {
            return Ok(Self::by_uid(owner));
        }
        if !geteuid().is_root() {
            return Ok(Self::by_uid(geteuid().as_raw()));
        }
        let mut tried = Vec::new();
        for name in CANDIDATES {
            let Ok(Some(user)) = User::from_name(name) else {
                tried.push(format!("{name}: does not exist"));
                continue;
            };
            let user = Self::from_entry(user);
            match user.probe(Path::new("/")).await {
                Ok(()) => return Ok(user),
                Err(reason) => tried.push(format!("{name}: {reason}")),
            }
        }
        Err(Error::NoServerUser { tried: tried.join("; ") })
    }

    fn by_uid(uid: u32) -> Self {
        match User::from_uid(Uid::from_raw(uid)) {
            Ok(Some(user)) => Self::from_entry(user),
            // A user id without an entry, as in many containers.
            _ => Self {
                name: format!("user {uid}"),
                uid,
                gid: Gid::current().as_raw(),
                switch: geteuid().as_raw() != uid,
            },
        }
    }

    fn from_entry(user: User) -> Self {
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        Self { name: user.name, uid, gid, switch: geteuid().as_raw() != uid }
    }

    /// Its group's id.
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// Its id.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Whether the server runs as somebody else than we do.
    pub fn switches(&self) -> bool {
        self.switch
    }

    /// Makes a file or folder the server's.
    pub fn give(&self, path: &Path) -> Result<(), Error> {
        if self.switch {
            chown(path, Some(self.uid), Some(self.gid)).map_err(io("change the owner of", path))?;
        }
        Ok(())
    }

    /// A program run as this user: in `/`, with a bare environment, and nothing to read.
    ///
    /// Nothing of libpq's environment (`PGPORT`, `PGDATA`, `PGOPTIONS`, …) gets through, so a developer's shell cannot bend it.
    pub fn std_command(&self, program: impl AsRef<OsStr>) -> Command {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new(program);
        command.env_clear().current_dir("/").stdin(Stdio::null());
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("LC_ALL", "C").env("LANG", "C").env("HOME", "/");
        if self.switch {
            // std also drops the supplementary groups when root gives up its user id.
            command.gid(self.gid).uid(self.uid);
        }
        command
    }

    /// The same, to be awaited.
    pub fn command(&self, program: impl AsRef<OsStr>) -> tokio::process::Command {
        self.std_command(program).into()
    }

    /// Whether it can enter a folder. Tried out rather than computed, so that access lists and mounts count as well.
    pub async fn reaches(&self, directory: &Path) -> bool {
        !self.switch || self.probe(directory).await.is_ok()
    }

    async fn probe(&self, directory: &Path) -> Result<(), String> {
        let status = self
            .command("/bin/sh")
            .args(["-c", ":"])
            .current_dir(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(status.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gives_up_every_group_and_the_environment_of_the_caller() {
        let user = ServerUser::for_directory_of(0).await.unwrap();
        let output = user.command("/bin/sh").args(["-c", "id -u; id -G; pwd; env"]).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(user.uid.to_string().as_str()));
        if user.switch {
            assert_eq!(lines.next(), Some(user.gid.to_string().as_str()), "no supplementary groups");
        }
        assert!(!text.contains("CARGO"), "{text}");
    }

    #[tokio::test]
    async fn sees_what_it_cannot_reach() {
        let user = ServerUser::for_directory_of(0).await.unwrap();
        let closed = tempfile::tempdir().unwrap();
        std::fs::set_permissions(closed.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        assert!(user.reaches(Path::new("/")).await);
        assert_eq!(user.reaches(closed.path()).await, !user.switch);
    }
}
