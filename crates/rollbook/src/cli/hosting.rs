//! What the command line and the environment say about the sites of the installation as a whole.

use clap::{Args, ValueEnum};
use rollbook_domain::text::Email;
use rollbook_http::UnknownHosts;

/// Who looks after all sites, and which hosts are answered.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Sites")]
pub struct Hosting {
    /// Somebody who opens and closes sites, and is let into every one of them; again for others. In the environment with
    /// commas between them
    #[arg(
        long = "super-admin",
        env = "ROLLBOOK_SUPER_ADMINS",
        value_name = "EMAIL",
        value_delimiter = ',',
        value_parser = address
    )]
    pub super_admins: Vec<Email>,
    /// What becomes of requests for a host that no site has: refuse them, or take them for the default site's
    #[arg(long, env = "ROLLBOOK_UNKNOWN_HOSTS", value_enum, default_value_t)]
    unknown_hosts: Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Unknown {
    #[default]
    Refuse,
    Default,
}

impl Hosting {
    /// What becomes of requests for a host that no site has.
    pub fn unknown_hosts(&self) -> UnknownHosts {
        match self.unknown_hosts {
            Unknown::Refuse => UnknownHosts::Refused,
            Unknown::Default => UnknownHosts::Default,
        }
    }
}

fn address(text: &str) -> Result<Email, String> {
    Email::try_new(text).map_err(|error| error.to_string())
}
