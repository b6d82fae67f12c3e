//! Makes a cluster and writes its settings; never leaves half a cluster where a whole one is looked for.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::Say;
use crate::error::{Error, io};
use crate::find::Binaries;
use crate::home::Home;
use crate::secrets::{random_hex, write_durably};

/// Clusters in the making are in folders whose names start like this.
const UNFINISHED: &str = "unfinished-";
/// Our settings, in the cluster's folder, included at the end of `postgresql.conf`.
const SETTINGS: &str = "rollbook.conf";

/// Durable, and small enough for a laptop. What is private to events is kept out of the server's log as well: no statements, no
/// details of violated constraints.
const DEFAULTS: [(&str, &str); 21] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("password_encryption", "scram-sha-256"),
    ("max_connections", "60"),
    ("shared_buffers", "128MB"),
    ("max_wal_size", "1GB"),
    // Of today's disks: with what the server takes for granted, a roster of 70 reads the names of the whole school.
    ("random_page_cost", "1.1"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("logging_collector", "on"),
    ("log_directory", "log"),
    ("log_filename", "postgresql-%a.log"),
    ("log_truncate_on_rotation", "on"),
    ("log_rotation_age", "1d"),
    ("log_checkpoints", "off"),
    ("log_error_verbosity", "terse"),
    ("log_min_error_statement", "panic"),
    ("cluster_name", "rollbook"),
];

/// A cluster's folder.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub directory: PathBuf,
}

impl Cluster {
    /// The cluster of a home, made or not.
    pub fn of(home: &Home) -> Self {
        Self { directory: home.directory.join("cluster") }
    }

    /// The major version that made it, if it has been made.
    pub fn made_by(&self) -> Result<Option<u32>, Error> {
        let path = self.directory.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(major) => Ok(Some(major)),
                Err(error) => Err(io("understand", path)(std::io::Error::other(error))),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.directory.exists() => Ok(None),
            Err(error) => Err(io("read", path)(error)),
        }
    }

    /// Makes it: aside, then renamed into place. Call it with the start lock held.
    pub async fn make(
        &self,
        home: &Home,
        binaries: &Binaries,
        password: &str,
        durable: bool,
        say: &Say,
    ) -> Result<(), Error> {
        say(&format!("making a PostgreSQL {} cluster in {}", binaries.version, self.directory.display()));
        let aside = home.directory.join(format!("{UNFINISHED}{}", random_hex(6)?));
        DirBuilder::new().mode(0o700).create(&aside).map_err(io("make", &aside))?;
        home.user.give(&aside)?;
        let made = self.make_aside(&aside, home, binaries, password, durable).await;
        discard(&aside);
        made
    }

    async fn make_aside(
        &self,
        aside: &Path,
        home: &Home,
        binaries: &Binaries,
        password: &str,
        durable: bool,
    ) -> Result<(), Error> {
        let (secret, data) = (aside.join("password"), aside.join("data"));
        write_durably(&secret, &format!("{password}\n"), (home.user.uid(), home.user.gid()), 0o600)?;
        let mut output = None;
        // Where the C library has no C.UTF-8, letters outside ASCII have no upper case; everything else is the same.
        for ctype in ["C.UTF-8", "C"] {
            discard(&data);
            let mut command = home.user.command(binaries.directory.join("initdb"));
            command.arg("-D").arg(&data).arg("--pwfile").arg(&secret).arg(format!("--lc-ctype={ctype}"));
            command.args([
                "--username=postgres",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
            ]);
            if !durable {
                command.arg("--no-sync");
            }
            // Ends with us when we are cancelled: what it was making is of no use to anybody.
            let ended =
                command.kill_on_drop(true).output().await.map_err(io("run", binaries.directory.join("initdb")))?;
            let done = ended.status.success();
            output = Some(ended);
            if done {
                break;
            }
        }
        if let Some(failed) = output.filter(|output| !output.status.success()) {
            return Err(Error::Program {
                program: "initdb".into(),
                status: failed.status.to_string(),
                output: said(&failed),
            });
        }
        let conf = data.join("postgresql.conf");
        let text = fs::read_to_string(&conf).map_err(io("read", &conf))?;
        let text = format!("{text}\n# Written anew at each start.\ninclude_if_exists = '{SETTINGS}'\n");
        write_durably(&conf, &text, (home.user.uid(), home.user.gid()), 0o600)?;
        let log = data.join("log");
        DirBuilder::new().mode(0o700).create(&log).map_err(io("make", &log))?;
        home.user.give(&log)?;
        fs::rename(&data, &self.directory).map_err(io("rename", &data))?;
        let sync = File::open(&home.directory).and_then(|directory| directory.sync_all());
        sync.map_err(io("write", &home.directory))
    }

    /// Writes the settings for the next start.
    pub fn configure(&self, home: &Home, port: u16, settings: &[(String, String)]) -> Result<(), Error> {
        let mut text = format!("# Written anew at each start: changes here are lost.\nport = {port}\n");
        let defaults = DEFAULTS.iter().map(|(name, value)| (*name, *value));
        for (name, value) in defaults.chain(settings.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
            if name.is_empty() || !name.bytes().all(plain) || value.contains(['\n', '\r', '\0']) {
                return Err(Error::Setting { name: name.into() });
            }
            let value = value.replace('\\', "\\\\").replace('\'', "''");
            text.extend([name, " = '", value.as_str(), "'\n"]);
        }
        write_durably(&self.directory.join(SETTINGS), &text, (home.user.uid(), home.user.gid()), 0o600)
    }

    /// The port of the last start, so that the next one can take the same and clients find it again.
    pub fn last_port(&self) -> Option<u16> {
        let text = fs::read_to_string(self.directory.join(SETTINGS)).ok()?;
        text.lines().find_map(|line| line.strip_prefix("port = "))?.parse().ok()
    }
}

/// Removes what was left by processes that ended while they were making a cluster. Call it with the start lock held.
pub(crate) fn clear_unfinished(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            discard(&entry.path());
        }
    }
}

/// Removes the folder of a cluster that is not one yet, with all that `initdb` has put there. It is in the data directory,
/// under a name that this module makes up ([`UNFINISHED`]); nothing that comes from a database leads here, and a link in
/// its place is removed and not followed. Best effort: an `initdb` that outlived its process may still be writing there,
/// which disturbs nobody.
#[expect(clippy::disallowed_methods, reason = "initdb makes a thousand files, in a folder that is ours by its name")]
fn discard(unfinished: &Path) {
    let _ = fs::remove_dir_all(unfinished);
}

/// The last lines that a program wrote.
pub(crate) fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    last_lines(&String::from_utf8_lossy(&text), 12)
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
