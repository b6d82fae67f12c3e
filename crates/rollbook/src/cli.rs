//! The command line: what can be said, and what stands for it in the environment. Flags win.

#![expect(clippy::doc_markdown, reason = "the comments are the text of --help, which knows no markdown")]

mod asking;
mod hosting;
mod importing;
mod limiting;
mod mailing;
mod rebuilding;
mod reporting;
mod sites;

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use rollbook_domain::StreamId;
use rollbook_domain::site::Slug;
use rollbook_store::Position;
use rollbook_store::site_databases::{Patience, Reach};

use crate::commands::events::parse_stream;
use crate::commands::token::{Ttl, parse_ttl};
use crate::failure::{Done, Failure};

pub use asking::{
    Audit, AuditCommand, Explain, ExplainFormat, Export, ExportFormat, Exported, Format, Replay, ReplayFormat,
};
pub use hosting::{Hosting, keys};
pub use importing::{Import, ImportAttendance, ImportRoster, Importing};
pub use limiting::Limiting;
pub use mailing::Mail;
pub use rebuilding::{AsOf, Rebuild, When, Which};
pub use reporting::{Report, ReportFormat};
pub use sites::{Given, Open, Sites};

/// Courses in cohorts, on an event log in PostgreSQL.
///
/// Without DATABASE_URL a private PostgreSQL is started in the data directory, and stopped again when it is not used any
/// more.
#[derive(Debug, Parser)]
#[command(name = "rollbook", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where the database is, and how to be it.
    #[command(flatten)]
    pub place: DatabaseArgs,
}

/// Where the database is; the same for every subcommand.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// The URL of a PostgreSQL 15 or newer, instead of the private one
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Where the private PostgreSQL keeps its data
    #[arg(long, global = true, env = "ROLLBOOK_DATA_DIR", default_value = ".rollbook", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Where uploaded files are kept: a folder, or s3://bucket/prefix with the usual AWS_ variables; by default `files`
    /// in the data directory
    #[arg(long, global = true, env = "ROLLBOOK_FILES", value_name = "PLACE")]
    pub files: Option<String>,
    /// The folder with postgres, initdb and pg_ctl; otherwise they are looked for
    #[arg(long, global = true, env = "ROLLBOOK_PG_BIN", value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,
    /// The site that the command is about, by its slug
    #[arg(long, global = true, env = "ROLLBOOK_SITE", default_value = Slug::DEFAULT, value_name = "SLUG", value_parser = parse_slug)]
    pub site: Slug,
    /// Where sites' own databases may be: hosts with commas between them, such as db.example.org, *.example.org:5432,
    /// 10.0.0.1 or the folder of a Unix socket; by default on any host, and behind no socket
    #[arg(long, global = true, env = "ROLLBOOK_SITE_DATABASE_HOSTS", value_name = "HOSTS")]
    pub site_database_hosts: Option<String>,
    /// Who vouches for their servers, beside those whom this machine trusts: a file of certificates in PEM
    #[arg(long, global = true, env = "ROLLBOOK_SITE_DATABASE_CA", value_name = "FILE")]
    pub site_database_ca: Option<PathBuf>,
    /// Stop the clock at this instant, for rehearsals
    #[arg(long, global = true, env = "ROLLBOOK_CLOCK", value_name = "RFC 3339", value_parser = parse_instant)]
    pub clock: Option<DateTime<Utc>>,
}

impl DatabaseArgs {
    /// How sites' own databases are reached.
    pub fn reach(&self) -> Done<Reach> {
        let (hosts, authorities) = (self.site_database_hosts.as_deref(), self.site_database_ca.as_deref());
        Reach::try_new(hosts, authorities, Patience::default()).map_err(Failure::new)
    }
}

/// Everything that the binary does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the HTTP API and the pages to sign in; `rollbook invite` lets the first owner in
    Serve(Serve),
    /// Play an invented cohort of 68 through seven weeks, show it, and serve it
    Demo(Demo),
    /// Bring the database's schema to this version
    Migrate,
    /// Copy everything out of another database into this one, which nothing may be in
    ///
    /// Copies the log with every position, the receipts of commands, and what is beside the log:
    /// passwords, sessions, keys, links, second factors, uploads, what became of emails. So people stay
    /// signed in, and a command that is sent again is not carried out again. Read models are made anew
    /// when the service starts.
    ///
    /// This is the way on for a database that was made before Rollbook's schema was laid out anew. Bring
    /// it up to date with the last program that worked on it (`rollbook migrate`), stop the service, and
    /// load it into an empty one:
    ///
    ///     DATABASE_URL=postgres://…/new rollbook load postgres://…/old
    ///     rollbook --data-dir new load old
    ///
    /// The other database is left as it is. Take uploaded files along by hand (the folder `files` in the
    /// data directory), and keep ROLLBOOK_KEYS. The URL of a school's own database stays what it is: load
    /// that one into a new one, too, and give the new one the old one's name.
    #[command(verbatim_doc_comment)]
    Load(Load),
    /// Print the URL of the database in use, or write it to a file for psql and pg_dump
    DatabaseUrl(DatabaseUrl),
    /// Print a bearer token for a person
    Token(Token),
    /// Print a link by which a person sets a password: the first owner's way in
    Invite(Invite),
    /// Import a roster or attendance from a file, or show what that would do
    #[command(subcommand)]
    Import(Import),
    /// Print who decided what about whom, and why
    Audit(Audit),
    /// Print the events that made a student's row of the roster, or a flag's, with the fields before and after
    Explain(Explain),
    /// Write the log, the rosters or the audit for analysts, as Parquet, CSV or JSON lines
    Export(Export),
    /// Print what happened in a cohort, added up
    #[command(subcommand)]
    Report(Report),
    /// Print the log, event by event
    Events(Events),
    /// Look at the read models, rebuild them, compare them with the log, or take up what they have set aside
    #[command(subcommand)]
    Projections(Projections),
    /// Look at the sites of the installation, open one, and say where it answers
    #[command(subcommand)]
    Sites(Sites),
}

/// `rollbook load`
#[derive(Debug, Args)]
pub struct Load {
    /// Where the other database is: its URL, or the data directory of a private one
    #[arg(env = "ROLLBOOK_LOAD_FROM", hide_env_values = true, value_name = "URL|DIR")]
    pub from: String,
}

/// `rollbook database-url`
#[derive(Debug, Args)]
pub struct DatabaseUrl {
    /// Print nothing, and write this file, which nobody else may read: then PGSERVICEFILE=FILE psql service=rollbook has
    /// the password without showing it to whoever lists processes
    #[arg(long, value_name = "FILE")]
    pub service_file: Option<PathBuf>,
}

/// `rollbook serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen
    #[arg(long, env = "ROLLBOOK_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Where to say how the service is besides (/healthz, /readyz, /metrics), for those alone who watch over it: elsewhere
    /// /metrics is for this machine
    #[arg(long, env = "ROLLBOOK_METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<SocketAddr>,
    /// Who is made the default site's owner at start-up
    #[arg(long, env = "ROLLBOOK_OWNER_EMAIL", value_name = "EMAIL")]
    pub owner_email: Option<String>,
    /// The sites
    #[command(flatten)]
    pub hosting: Hosting,
    /// How much one client may ask for
    #[command(flatten)]
    pub limiting: Limiting,
    /// How emails are delivered
    #[command(flatten)]
    pub mail: Mail,
}

/// `rollbook demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Where to listen afterwards
    #[arg(long, env = "ROLLBOOK_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// End after the tables instead of serving
    #[arg(long)]
    pub exit: bool,
    /// How much one client may ask for
    #[command(flatten)]
    pub limiting: Limiting,
    /// How emails are delivered
    #[command(flatten)]
    pub mail: Mail,
}

/// `rollbook token`
#[derive(Debug, Args)]
pub struct Token {
    /// Whose
    #[arg(long)]
    pub email: String,
    /// How long it is valid: 30m, 1h, 7d
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = parse_ttl, conflicts_with = "revoke")]
    pub ttl: Ttl,
    /// Revoke all tokens of that person instead
    #[arg(long)]
    pub revoke: bool,
    /// Who is the site's owner by configuration: becomes it here, too, before the first start-up
    #[arg(long, env = "ROLLBOOK_OWNER_EMAIL", value_name = "EMAIL")]
    pub owner_email: Option<String>,
}

/// `rollbook invite`
#[derive(Debug, Args)]
pub struct Invite {
    /// Whom
    #[arg(long)]
    pub email: String,
    /// Where the service is, as people's browsers know it; otherwise where it listens
    #[arg(long, env = "ROLLBOOK_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Where the service listens
    #[arg(long, env = "ROLLBOOK_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Who is the site's owner by configuration: becomes it here, too, before the first start-up
    #[arg(long, env = "ROLLBOOK_OWNER_EMAIL", value_name = "EMAIL")]
    pub owner_email: Option<String>,
}

/// `rollbook events`
#[derive(Debug, Args)]
pub struct Events {
    /// Begin after this position
    #[arg(long, default_value_t = 0, value_name = "POSITION", value_parser = clap::value_parser!(i64).range(0..))]
    pub after: Position,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Only this stream, such as enrolment/0198c1d2-…
    #[arg(long, value_name = "TYPE/ID", value_parser = parse_stream)]
    pub stream: Option<StreamId>,
}

/// `rollbook projections`
#[derive(Debug, Subcommand)]
pub enum Projections {
    /// Every read model: its version, how far it is, and what is parked
    List,
    /// Build read models anew from the log, compare them with the live ones, and put them in their place
    Rebuild(Rebuild),
    /// Compare read models with what the log says, row by row
    Verify(Which),
    /// Build the read models of a moment of the past into a schema of their own, for queries
    AsOf(AsOf),
    /// The streams that read models have set aside, at which event and why
    Parked,
    /// Take up again what read models have set aside, after a fix
    Retry(Which),
}

fn parse_slug(text: &str) -> Result<Slug, String> {
    Slug::try_new(text).map_err(|error| error.to_string())
}

fn parse_instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.with_timezone(&Utc));
    }
    text.parse::<chrono::NaiveDate>()
        .map(|date| date.and_time(chrono::NaiveTime::MIN).and_utc())
        .map_err(|_| "must be an instant such as 2026-03-01T18:00:00Z, or a date such as 2026-03-01".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rebuild_names_one_or_all() {
        assert!(Cli::try_parse_from(["rollbook", "projections", "rebuild"]).is_err());
        assert!(Cli::try_parse_from(["rollbook", "projections", "rebuild", "roster", "--all"]).is_err());
        assert!(Cli::try_parse_from(["rollbook", "projections", "rebuild", "roster"]).is_ok());
        let accepting = ["rollbook", "projections", "rebuild", "--accept-differences"];
        assert!(Cli::try_parse_from(accepting).is_err());
        assert!(Cli::try_parse_from(accepting.into_iter().chain(["--all"])).is_ok());
        assert!(Cli::try_parse_from(["rollbook", "projections", "verify", "--all"]).is_ok());
    }

    #[test]
    fn instants_are_read_with_or_without_a_time() {
        assert_eq!(parse_instant("2026-03-01"), parse_instant("2026-03-01T00:00:00Z"));
        assert!(parse_instant("yesterday").is_err());
    }
}
