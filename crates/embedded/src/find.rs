//! Finds the folder with the server's binaries; never takes one older than Postgres 15, or one the server's user cannot run.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::Say;
use crate::error::Error;
use crate::privileges::ServerUser;

/// The oldest major version that the service works with.
pub const OLDEST_MAJOR: u32 = 15;

/// Where to look. [`Search::default`] is this machine; tests narrow it.
#[derive(Clone, Debug)]
pub struct Search {
    /// Folders separated as in `PATH`, for `postgres` and for `pg_config`.
    pub path: Option<OsString>,
    /// The usual places, best first. A `*` within one component stands for anything, highest number first.
    pub usual: Vec<PathBuf>,
    /// Where a cluster may go when the server's user cannot reach the data directory, best first.
    pub elsewhere: Vec<PathBuf>,
    /// Where to download binaries from when there are none; none is nowhere. Needs the feature `download`.
    pub download: Option<String>,
}

impl Default for Search {
    fn default() -> Self {
        let usual = [
            "/usr/lib/postgresql/*/bin",
            "/usr/pgsql-*/bin",
            "/usr/lib/postgresql*/bin",
            "/usr/libexec/postgresql*",
            "/opt/homebrew/opt/postgresql@*/bin",
            "/opt/homebrew/bin",
            "/usr/local/opt/postgresql@*/bin",
            "/usr/local/bin",
            "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
            "/Applications/Postgres.app/Contents/Versions/*/bin",
            "/opt/local/lib/postgresql*/bin",
            "/usr/local/pgsql/bin",
        ];
        Self {
            path: std::env::var_os("PATH"),
            usual: usual.map(PathBuf::from).to_vec(),
            // Not /var/tmp first: many systems clean it of files that have not been read for a month.
            elsewhere: ["/var/lib", "/usr/local/var", "/var/tmp"].map(PathBuf::from).to_vec(),
            download: Some(crate::download::SOURCE.to_owned()),
        }
    }
}

/// A server's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 15, 16, 17, …
    pub major: u32,
    /// The number after the dot; 0 before the first release.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Version {
    /// From the words of `postgres --version`, as in `postgres (PostgreSQL) 15.14 (Debian 15.14-1)` or `… 18beta1`.
    fn parse(text: &str) -> Option<Self> {
        let number = text.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        let major = digits(number).parse().ok()?;
        let minor = number.split_once('.').map_or(0, |(_, rest)| digits(rest).parse().unwrap_or(0));
        Some(Self { major, minor })
    }
}

/// A folder with `postgres`, `initdb` and `pg_ctl` that run.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub directory: PathBuf,
    pub version: Version,
}

/// Looks for binaries for `user`: of the major version that made the cluster, if there is one.
///
/// `fetched` is where downloaded ones are kept.
pub(crate) async fn find(
    named: Option<&Path>,
    search: &Search,
    user: &ServerUser,
    cluster: Option<(&Path, u32)>,
    fetched: &Path,
    say: &Say,
) -> Result<Binaries, Error> {
    let wanted = cluster.map(|(_, major)| major);
    if let Some(path) = named {
        let directory = std::path::absolute(path).unwrap_or_else(|_| path.into());
        return inspect(&directory, user, wanted).await.map_err(|reason| Error::Binaries { path: path.into(), reason });
    }
    let mut rejected = Vec::new();
    for directory in candidates(search, fetched).await {
        match inspect(&directory, user, wanted).await {
            Ok(found) => return Ok(found),
            Err(reason) => rejected.push(format!("{}: {reason}", directory.display())),
        }
    }
    if let Some(source) = &search.download {
        match crate::download::fetch(source, fetched, user, wanted, say).await {
            Ok(directory) => match inspect(&directory, user, wanted).await {
                Ok(found) => return Ok(found),
                Err(reason) => rejected.push(format!("downloaded to {}: {reason}", directory.display())),
            },
            Err(reason) => rejected.push(format!("download: {reason}")),
        }
    }
    let searched = if rejected.is_empty() {
        "(Looked in PATH, `pg_config --bindir` and the usual places.)".to_owned()
    } else {
        format!("(Looked in PATH, `pg_config --bindir` and the usual places, and found:\n  {})", rejected.join("\n  "))
    };
    let install = crate::install::command(wanted);
    Err(match cluster {
        Some((cluster, made_by)) => Error::OtherMajor { cluster: cluster.into(), made_by, install, searched },
        None => Error::NoBinaries { install, searched },
    })
}

/// The folders that have a `postgres` in them, best first.
async fn candidates(search: &Search, fetched: &Path) -> Vec<PathBuf> {
    // The programs start in another folder than ours, so a relative part of PATH would mean something else there.
    let path: Vec<_> = search.path.iter().flat_map(std::env::split_paths).filter(|part| part.is_absolute()).collect();
    let mut found = path.clone();
    if let Some(program) = path.iter().map(|part| part.join("pg_config")).find(|program| program.is_file()) {
        let output = tokio::process::Command::new(program).arg("--bindir").stdin(Stdio::null()).output().await;
        if let Ok(output) = output {
            found.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        }
    }
    found.extend(search.usual.iter().flat_map(|pattern| expand(pattern)));
    found.extend(expand(&fetched.join("*/bin")));
    let mut seen = std::collections::HashSet::new();
    found.retain(|directory| directory.join("postgres").is_file() && seen.insert(directory.clone()));
    found
}

/// Whether a folder does, or why not.
async fn inspect(directory: &Path, user: &ServerUser, wanted: Option<u32>) -> Result<Binaries, String> {
    for name in ["postgres", "initdb", "pg_ctl"] {
        if !directory.join(name).is_file() {
            return Err(format!("it has no `{name}`"));
        }
    }
    let output = user.command(directory.join("postgres")).arg("--version").output().await;
    let output = output.map_err(|error| format!("`postgres` does not run as {}: {error}", user.name))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = Version::parse(&text).ok_or_else(|| format!("`postgres --version` says {:?}", text.trim()))?;
    if version.major < OLDEST_MAJOR {
        return Err(format!("it is PostgreSQL {version}, and {OLDEST_MAJOR} is the oldest that does"));
    }
    if let Some(wanted) = wanted.filter(|wanted| *wanted != version.major) {
        return Err(format!("it is PostgreSQL {version}, and the data needs {wanted}"));
    }
    Ok(Binaries { directory: directory.into(), version })
}

/// The existing paths that a pattern stands for, highest number first.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let text = component.as_os_str().to_string_lossy();
        let Some((start, end)) = text.split_once('*') else {
            for path in &mut found {
                path.push(component);
            }
            continue;
        };
        let mut next = Vec::new();
        for path in &found {
            for name in std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.file_name()) {
                let name = name.to_string_lossy();
                if let Some(rest) = name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)) {
                    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
                    next.push((digits.parse::<u64>().unwrap_or(0), path.join(&*name)));
                }
            }
        }
        next.sort_by_key(|(number, _)| Reverse(*number));
        found = next.into_iter().map(|(_, path)| path).collect();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let version = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)").as_deref(), Some("15.14"));
        assert_eq!(version("postgres (PostgreSQL) 18beta1").as_deref(), Some("18.0"));
        assert_eq!(version("bash: no"), None);
    }

    #[test]
    fn takes_the_newest_first() {
        let directory = tempfile::tempdir().unwrap();
        for major in ["9.6", "15", "17"] {
            std::fs::create_dir_all(directory.path().join(major).join("bin")).unwrap();
        }
        let found = expand(&directory.path().join("*/bin"));
        // 9.6 counts as 96 and comes first, which does no harm: it is too old, and the next one is taken.
        assert_eq!(found[1..], [directory.path().join("17/bin"), directory.path().join("15/bin")]);
        assert!(expand(&directory.path().join("none/*/bin")).is_empty());
    }
}
