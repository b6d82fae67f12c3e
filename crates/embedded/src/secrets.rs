//! The instance's random passwords, in files that only their owner reads; never in a log line or an error.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, fchown};
use std::path::Path;

use crate::error::{Error, io};

/// The passwords of the two roles.
pub(crate) struct Secrets {
    /// Of the service's own role, `rollbook`.
    pub role: String,
    /// Of the superuser, `postgres`.
    pub superuser: String,
    /// Whether the superuser's was made just now, so that an older cluster does not know it.
    pub fresh: bool,
}

impl Secrets {
    /// Reads the passwords, and makes those that are missing.
    pub fn load(directory: &Path, owner: (u32, u32)) -> Result<Self, Error> {
        let (role, _) = one(&directory.join("rollbook.password"), owner)?;
        let (superuser, fresh) = one(&directory.join("postgres.password"), owner)?;
        Ok(Self { role, superuser, fresh })
    }
}

/// Reads or makes one password.
fn one(path: &Path, owner: (u32, u32)) -> Result<(String, bool), Error> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let text = text.trim();
            // Ours are hexadecimal: whoever writes his own keeps to letters and digits, so that it fits a URL as it is.
            if text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Ok((text.to_owned(), false));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io("read", path)(error)),
    }
    let password = random_hex(24)?;
    write_durably(path, &format!("{password}\n"), owner, 0o600)?;
    Ok((password, true))
}

/// `bytes` random bytes in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> Result<String, Error> {
    use std::fmt::Write as _;
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).map_err(Error::Random)?;
    Ok(buffer.iter().fold(String::with_capacity(bytes * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Writes a file whole or not at all, also when the machine stops half-way.
pub(crate) fn write_durably(path: &Path, text: &str, (uid, gid): (u32, u32), mode: u32) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", random_hex(6)?));
    let aside = path.with_file_name(name);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&aside)?;
        if nix::unistd::geteuid().as_raw() != uid {
            fchown(&file, Some(uid), Some(gid))?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&aside);
        io("write", path)(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn are_random_kept_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let me = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        let first = Secrets::load(directory.path(), me).unwrap();
        let second = Secrets::load(directory.path(), me).unwrap();
        assert!(first.fresh && !second.fresh);
        assert_eq!((&first.role, &first.superuser), (&second.role, &second.superuser));
        assert_ne!(first.role, first.superuser);
        for entry in fs::read_dir(directory.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
        }
        fs::write(directory.path().join("postgres.password"), "").unwrap();
        assert!(Secrets::load(directory.path(), me).unwrap().fresh, "a file cut short is made anew");
    }
}
