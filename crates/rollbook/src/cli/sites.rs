//! The command line of the installation's sites.

use clap::{Args, Subcommand};
use rollbook_domain::site::{GivenHost, HostAdmits, HostName, Slug};
use rollbook_domain::text::{Name, NewEmail};

use super::parse_slug;

/// `rollbook sites`
#[derive(Debug, Subcommand)]
pub enum Sites {
    /// Every site: its slug, its name, where it answers
    List,
    /// Open a site, with its first owner
    Open(Open),
    /// Say on which hosts a site answers, in place of those before
    Hosts(Answering),
    /// Give a site the database of its own that it was opened for: its URL is read from standard input
    Database(Given),
    /// Print a new key for ROLLBOOK_KEYS: put it first, and keep the others until `rotate-keys` is done
    NewKey,
    /// Seal where sites' own databases are anew, and what codes are made from, under the first key of ROLLBOOK_KEYS
    RotateKeys,
}

/// `rollbook sites database`
#[derive(Debug, Args)]
pub struct Given {
    /// Which site
    #[arg(value_parser = parse_slug)]
    pub slug: Slug,
}

/// `rollbook sites open`
#[derive(Debug, Args)]
pub struct Open {
    /// Its short name, which never changes: a-z, 0-9 and -
    #[arg(value_parser = parse_slug)]
    pub slug: Slug,
    /// What it is called
    #[arg(long, value_parser = parse_name)]
    pub name: Name,
    /// Who becomes its owner
    #[arg(long, value_name = "EMAIL", value_parser = parse_email)]
    pub owner_email: NewEmail,
    /// The owner's name; otherwise the address stands for it
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub owner_name: Option<Name>,
    /// Where it answers, and whom the host lets in: school.example.org, or learn.example.org=students, or =staff; again for
    /// others
    #[arg(long = "host", value_name = "HOST[=WHOM]", value_parser = parse_host)]
    pub hosts: Vec<GivenHost>,
    /// It is to have a database of its own, and answers once `rollbook sites database` has given it one
    #[arg(long)]
    pub own_database: bool,
}

/// `rollbook sites hosts`
#[derive(Debug, Args)]
pub struct Answering {
    /// Which site
    #[arg(value_parser = parse_slug)]
    pub slug: Slug,
    /// Where it answers, and whom the host lets in: school.example.org, or learn.example.org=students, or =staff; the first is
    /// where links lead
    #[arg(value_name = "HOST[=WHOM]", value_parser = parse_host, required_unless_present = "none")]
    pub hosts: Vec<GivenHost>,
    /// Nowhere any more
    #[arg(long, conflicts_with = "hosts")]
    pub none: bool,
}

fn parse_name(text: &str) -> Result<Name, String> {
    Name::try_new(text).map_err(|error| error.to_string())
}

fn parse_email(text: &str) -> Result<NewEmail, String> {
    NewEmail::try_new(text).map_err(|error| error.to_string())
}

fn parse_host(text: &str) -> Result<GivenHost, String> {
    let (host, admits) = text.split_once('=').unwrap_or((text, "everyone"));
    let host = HostName::try_new(host).map_err(|error| error.to_string())?;
    let admits: HostAdmits = admits.parse().map_err(|_| "lets in everyone, students or staff".to_owned())?;
    Ok(GivenHost { host, admits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_say_whom_it_lets_in() {
        let parsed = |text| parse_host(text).map(|given| (given.host.to_string(), given.admits));
        assert_eq!(parsed("School.example.org"), Ok(("school.example.org".to_owned(), HostAdmits::Everyone)));
        assert_eq!(parsed("a.example.org=students"), Ok(("a.example.org".to_owned(), HostAdmits::Students)));
        for wrong in ["a.example.org=parents", "*.example.org", "a.example.org:80", "=staff", ""] {
            assert!(parse_host(wrong).is_err(), "{wrong}");
        }
    }
}
