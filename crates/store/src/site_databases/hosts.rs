//! Where sites' own databases may be, as the operator says it: a list of hosts, each perhaps with a port. Without a list they may be
//! anywhere but behind a Unix socket.

use super::address::Host;

/// The most entries of the list.
const MOST: usize = 1_000;

/// The hosts that may be asked.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Option<Vec<Pattern>>);

#[derive(Clone, Debug)]
struct Pattern {
    host: Which,
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Which {
    /// Every host that has a name or an address.
    Any,
    /// Every name below this one, which begins with a dot.
    Below(String),
    One(Host),
}

/// Why the list cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostsError {
    /// Nothing could be reached.
    #[error("is empty; unset it, or name the hosts")]
    Empty,
    /// An entry is none.
    #[error(
        "cannot be read at entry {0}: it is a host such as db.example.org, *.example.org:5432, 10.0.0.1 or [::1]:5433, or the folder of a socket"
    )]
    Entry(usize),
    /// There are too many.
    #[error("has more than {MOST} entries")]
    TooMany,
}

impl Hosts {
    /// Reads the list, with commas between its entries.
    pub fn try_new(text: Option<&str>) -> Result<Self, HostsError> {
        let Some(text) = text else { return Ok(Self(None)) };
        if text.trim().is_empty() {
            return Err(HostsError::Empty);
        }
        if text.split(',').count() > MOST {
            return Err(HostsError::TooMany);
        }
        let read = |(nth, entry): (usize, &str)| pattern(entry.trim()).ok_or(HostsError::Entry(nth));
        (1..).zip(text.split(',')).map(read).collect::<Result<_, _>>().map(|patterns| Self(Some(patterns)))
    }

    /// Whether a host may be asked at a port.
    pub fn admit(&self, host: &Host, port: u16) -> bool {
        match &self.0 {
            None => !matches!(host, Host::Folder(_)),
            Some(patterns) => patterns.iter().any(|pattern| pattern.admits(host, port)),
        }
    }
}

impl Pattern {
    fn admits(&self, host: &Host, port: u16) -> bool {
        let named = match (&self.host, host) {
            (Which::Any, host) => !matches!(host, Host::Folder(_)),
            (Which::Below(end), Host::Name(name)) => name.ends_with(&**end),
            (Which::Below(_), Host::Address(_) | Host::Folder(_)) => false,
            (Which::One(one), host) => one == host,
        };
        named && self.port.is_none_or(|only| only == port)
    }
}

fn pattern(entry: &str) -> Option<Pattern> {
    if entry.starts_with('/') {
        return Some(Pattern { host: Which::One(Host::read(entry)?), port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
        _ => (entry, None),
    };
    let host = match host.strip_prefix('*') {
        Some("") => Which::Any,
        Some(end) if end.starts_with('.') => match Host::read(&end[1..])? {
            Host::Name(name) => Which::Below(format!(".{name}")),
            Host::Address(_) | Host::Folder(_) => return None,
        },
        Some(_) => return None,
        None => Which::One(Host::read(host)?),
    };
    Some(Pattern { host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(list: &str, host: &str, port: u16) -> bool {
        Hosts::try_new(Some(list)).unwrap().admit(&Host::read(host).unwrap(), port)
    }

    #[test]
    fn a_host_is_admitted_by_its_name_its_address_or_its_domain() {
        assert!(admit("db.example.org", "DB.example.org", 1));
        assert!(!admit("db.example.org", "db.example.org.evil.org", 1));
        assert!(admit("*.example.org:5432", "a.db.example.org", 5432));
        assert!(!admit("*.example.org:5432", "a.db.example.org", 5433));
        assert!(!admit("*.example.org", "example.org", 5432));
        assert!(!admit("*.example.org", "evilexample.org", 5432));
        assert!(admit("a, [::1]:7 ,10.0.0.1", "[::1]", 7));
        assert!(!admit("[::1]", "127.0.0.1", 7));
        assert!(admit("*:5432", "10.0.0.1", 5432));
        assert!(!admit("*", "/run/postgresql", 5432));
        assert!(admit("/run/postgresql", "/run/postgresql", 5432));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_an_error_that_names_the_entry() {
        for (list, error) in [
            ("", HostsError::Empty),
            ("a,,b", HostsError::Entry(2)),
            ("a, b:x", HostsError::Entry(2)),
            ("a:0", HostsError::Entry(1)),
            ("*a", HostsError::Entry(1)),
            ("*.10.0.0.1", HostsError::Entry(1)),
            ("::1", HostsError::Entry(1)),
            ("a b", HostsError::Entry(1)),
            (&"a,".repeat(MOST), HostsError::TooMany),
        ] {
            assert_eq!(Hosts::try_new(Some(list)).unwrap_err(), error, "{list:.20}");
        }
    }
}
