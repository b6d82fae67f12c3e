//! The URL of a site's own database, taken apart: all that is used on the way there is in it. What it does not say comes from nowhere
//! else, and what would lead to a file of this machine is refused.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Unfit;
use super::hosts::Hosts;

/// The longest URL that is read, in bytes: names of hosts, users and databases have at most 255, and a password may be long.
const LONGEST: usize = 2_048;
/// Where PostgreSQL listens if the URL does not say.
const PORT: u16 = 5432;

/// Where a database is and how to get in.
pub struct Address {
    /// Where the server is.
    pub host: Host,
    /// Its port, which is in the name of a socket, too.
    pub port: u16,
    /// Whom we come as.
    pub user: String,
    /// What the server may ask for.
    pub password: SecretString,
    /// Which database of the server.
    pub database: String,
    /// Whether the way is encrypted and the server shows a certificate for its name: always, but on this machine.
    pub tls: bool,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// At an address.
    Address(IpAddr),
    /// Under a name, in lower case.
    Name(String),
    /// Behind a Unix socket in this folder.
    Folder(PathBuf),
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Folder(folder) => folder.display().fmt(f),
        }
    }
}

impl Host {
    /// Reads a host of a URL, or of a pattern.
    pub fn read(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return Some(Self::Folder(text.into()));
        }
        match url::Host::parse(text).ok()? {
            url::Host::Domain(name) => Some(Self::Name(name)),
            url::Host::Ipv4(address) => Some(Self::Address(address.into())),
            url::Host::Ipv6(address) => Some(Self::Address(address.into())),
        }
    }

    /// Whether it is this machine, so that nobody is on the way. A name counts if it can mean nothing else.
    fn is_here(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => name == "localhost",
            Self::Folder(_) => true,
        }
    }
}

impl Address {
    /// Reads a URL that leads to where the operator lets it.
    pub fn try_new(url: &SecretString, hosts: &Hosts) -> Result<Self, Unfit> {
        let text = url.expose_secret();
        let ours = text.starts_with("postgres://") || text.starts_with("postgresql://");
        let url = Url::parse(text).ok().filter(|_| ours && text.len() <= LONGEST).ok_or(Unfit::Url)?;
        let mut mode = None;
        for (name, value) in url.query_pairs() {
            if name != "sslmode" || mode.replace(value.into_owned()).is_some() {
                return Err(Unfit::Parameter);
            }
        }
        let host = Host::read(&decoded(url.host_str().unwrap_or_default())?).ok_or(Unfit::Url)?;
        let (user, database) = (decoded(url.username())?, decoded(url.path().trim_start_matches('/'))?);
        let port = url.port().unwrap_or(PORT);
        if user.is_empty() || database.is_empty() || port == 0 {
            return Err(Unfit::Url);
        }
        let password = decoded(url.password().filter(|password| !password.is_empty()).ok_or(Unfit::Password)?)?;
        let tls = is_encrypted(&host, mode.as_deref())?;
        if !hosts.admit(&host, port) {
            return Err(Unfit::Host);
        }
        Ok(Self { host, port, user, password: password.into(), database, tls })
    }
}

/// Whether the way to a host is encrypted. Nothing less than a certificate for the host's own name will do.
fn is_encrypted(host: &Host, mode: Option<&str>) -> Result<bool, Unfit> {
    match mode {
        None => Ok(!host.is_here()),
        Some("verify-full") if !matches!(host, Host::Folder(_)) => Ok(true),
        Some("disable" | "allow" | "prefer") if host.is_here() => Ok(false),
        Some("verify-full" | "disable" | "allow" | "prefer" | "require" | "verify-ca") => Err(Unfit::Tls),
        Some(_) => Err(Unfit::Url),
    }
}

/// A part of a URL as it is meant. PostgreSQL's protocol ends texts with a zero, and no other control character names anything.
fn decoded(part: &str) -> Result<String, Unfit> {
    let text = percent_decode_str(part).decode_utf8().map_err(|_| Unfit::Url)?;
    if text.chars().any(char::is_control) { Err(Unfit::Url) } else { Ok(text.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Address, Unfit> {
        Address::try_new(&url.into(), &Hosts::try_new(Some("*, /run/postgresql")).unwrap())
    }

    #[test]
    fn a_url_says_everything_that_is_used() {
        let address = read("postgres://n%C3%B3rth:p%40ss@DB.example.org:5433/the%20north").unwrap();
        assert_eq!((address.host, address.port), (Host::Name("db.example.org".to_owned()), 5433));
        assert_eq!((&*address.user, &*address.database), ("nórth", "the north"));
        assert_eq!(address.password.expose_secret(), "p@ss");
        let address = read("postgresql://u:p@[::1]/north").unwrap();
        assert_eq!((address.host.to_string().as_str(), address.port), ("[::1]", 5432));
        let address = read("postgres://u:p@%2Frun%2Fpostgresql/north").unwrap();
        assert_eq!(address.host, Host::Folder("/run/postgresql".into()));
    }

    #[test]
    fn the_way_to_another_machine_is_encrypted() {
        for (url, tls) in [
            ("postgres://u:p@db.example.org/north", Ok(true)),
            ("postgres://u:p@db.example.org/north?sslmode=verify-full", Ok(true)),
            ("postgres://u:p@db.example.org/north?sslmode=verify-ca", Err(Unfit::Tls)),
            ("postgres://u:p@db.example.org/north?sslmode=require", Err(Unfit::Tls)),
            ("postgres://u:p@db.example.org/north?sslmode=prefer", Err(Unfit::Tls)),
            ("postgres://u:p@db.example.org/north?sslmode=allow", Err(Unfit::Tls)),
            ("postgres://u:p@db.example.org/north?sslmode=disable", Err(Unfit::Tls)),
            ("postgres://u:p@10.0.0.1/north", Ok(true)),
            ("postgres://u:p@[::ffff:127.0.0.1]/north", Ok(true)),
            ("postgres://u:p@localhost.example.org/north", Ok(true)),
            ("postgres://u:p@localhost/north", Ok(false)),
            ("postgres://u:p@127.0.0.2/north", Ok(false)),
            ("postgres://u:p@[::1]/north?sslmode=prefer", Ok(false)),
            ("postgres://u:p@localhost/north?sslmode=verify-full", Ok(true)),
            ("postgres://u:p@localhost/north?sslmode=require", Err(Unfit::Tls)),
            ("postgres://u:p@localhost/north?sslmode=perhaps", Err(Unfit::Url)),
            ("postgres://u:p@%2Frun%2Fpostgresql/north", Ok(false)),
            ("postgres://u:p@%2Frun%2Fpostgresql/north?sslmode=verify-full", Err(Unfit::Tls)),
        ] {
            assert_eq!(read(url).map(|address| address.tls), tls, "{url}");
        }
    }

    #[test]
    fn what_a_url_leaves_out_is_taken_from_nowhere() {
        for (url, unfit) in [
            ("", Unfit::Url),
            ("north", Unfit::Url),
            ("mysql://u:p@db.example.org/north", Unfit::Url),
            ("https://u:p@db.example.org/north", Unfit::Url),
            ("postgres://u:p@db.example.org", Unfit::Url),
            ("postgres://u:p@db.example.org/", Unfit::Url),
            ("postgres:///north", Unfit::Url),
            ("postgres://u:p@/north", Unfit::Url),
            ("postgres://:p@db.example.org/north", Unfit::Url),
            ("postgres://u:p@db.example.org:x/north", Unfit::Url),
            ("postgres://u:p@db.example.org:0/north", Unfit::Url),
            ("postgres://u%00:p@db.example.org/north", Unfit::Url),
            ("postgres://u:p@db.example.org/north%0a", Unfit::Url),
            ("postgres://u:p@db%FF.example.org/north", Unfit::Url),
            ("postgres://u@db.example.org/north", Unfit::Password),
            ("postgres://u:@db.example.org/north", Unfit::Password),
        ] {
            assert_eq!(read(url).unwrap_err(), unfit, "{url}");
        }
        let long = format!("postgres://u:{}@db.example.org/north", "p".repeat(LONGEST));
        assert_eq!(read(&long).unwrap_err(), Unfit::Url);
    }

    #[test]
    fn a_parameter_that_would_lead_elsewhere_is_refused() {
        for parameter in [
            "sslkey=/etc/key",
            "sslcert=/etc/cert",
            "sslrootcert=/etc/roots",
            "sslrootcert=system",
            "passfile=/root/.pgpass",
            "service=other",
            "options=-c%20rollbook.site%3Devery",
            "host=db.example.org",
            "host=/run/postgresql",
            "hostaddr=10.0.0.1",
            "port=1",
            "user=u",
            "password=p",
            "dbname=other",
            "application_name=a",
            "sslmode=verify-full&sslmode=disable",
            "anything",
        ] {
            let url = format!("postgres://u:p@db.example.org/north?{parameter}");
            assert_eq!(read(&url).unwrap_err(), Unfit::Parameter, "{url}");
        }
    }

    #[test]
    fn it_leads_where_the_operator_lets_it() {
        let of = |hosts: Option<&str>, url: &str| {
            Address::try_new(&url.into(), &Hosts::try_new(hosts).unwrap()).map(drop).err()
        };
        let (url, socket) = ("postgres://u:p@db.example.org:5433/north", "postgres://u:p@%2Frun%2Fpostgresql/north");
        assert_eq!(of(None, url), None);
        assert_eq!(of(None, socket), Some(Unfit::Host), "a socket is one of this machine's files");
        assert_eq!(of(Some("db.example.org:5432"), url), Some(Unfit::Host));
        assert_eq!(of(Some("other.example.org, db.example.org:5433"), url), None);
        assert_eq!(of(Some("/run/postgresql"), socket), None);
        assert_eq!(of(Some("/run"), socket), Some(Unfit::Host));
    }

    #[test]
    fn what_is_shown_of_an_address_leads_nowhere() {
        let shown = format!("{:?}", read("postgres://user:secret@db.example.org/north").unwrap());
        assert!(!["user", "secret", "example", "north"].iter().any(|part| shown.contains(part)), "{shown}");
    }
}
