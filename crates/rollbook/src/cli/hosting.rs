//! What the command line and the environment say about the sites of the installation as a whole.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use rollbook_domain::text::Email;
use rollbook_files::Scanner;
use rollbook_http::UnknownHosts;
use rollbook_oidc::Provider;
use rollbook_store::keys::Keys;
use secrecy::SecretString;

use crate::failure::{Done, Failure};

const KEYS: &str = "ROLLBOOK_KEYS";

/// Who looks after all sites, and which hosts are answered.
#[derive(Clone, Debug, Default, Args)]
#[command(
    next_help_heading = "Sites (ROLLBOOK_KEYS in the environment seals where sites' own databases are, and the secrets of codes)"
)]
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
    /// Super admins must sign in with a second factor: whoever has none sets one up before anything else
    #[arg(long, env = "ROLLBOOK_SUPER_ADMIN_SECOND_FACTOR")]
    pub super_admin_second_factor: bool,
    /// What becomes of requests for a host that no site has: refuse them, or take them for the default site's
    #[arg(long, env = "ROLLBOOK_UNKNOWN_HOSTS", value_enum, default_value_t)]
    unknown_hosts: Unknown,
    /// Other systems that people may sign in by: a TOML file with a [[provider]] for each (name, issuer, client_id,
    /// client_secret_env, and title, kind, scopes, audience, sites, privileged if need be). It vouches in the default
    /// site alone unless `sites` has other slugs, or "*"; for owners and admins only if `privileged` is true
    #[arg(long, env = "ROLLBOOK_OIDC", value_name = "FILE")]
    oidc: Option<PathBuf>,
    /// A command that each uploaded file is given to on its standard input, without a shell and within a minute: exit status
    /// 0 takes the file, 1 refuses it, anything else keeps it out for now
    #[arg(long, env = "ROLLBOOK_SCAN", value_name = "COMMAND")]
    scan: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Unknown {
    #[default]
    Refuse,
    Default,
}

impl Hosting {
    /// The other systems that people may sign in by. None of them is asked anything yet.
    pub fn providers(&self) -> Done<Vec<Arc<Provider>>> {
        let Some(file) = &self.oidc else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::new(format!("ROLLBOOK_OIDC, {}: {error}", file.display())))?;
        let settings = rollbook_oidc::read(&text).map_err(Failure::new)?;
        settings.into_iter().map(|settings| Provider::try_new(settings).map(Arc::new).map_err(Failure::new)).collect()
    }

    /// What uploaded files are given to before they are taken.
    pub fn scanner(&self) -> Option<Scanner> {
        self.scan.as_deref().and_then(Scanner::read)
    }

    /// What becomes of requests for a host that no site has.
    pub fn unknown_hosts(&self) -> UnknownHosts {
        match self.unknown_hosts {
            Unknown::Refuse => UnknownHosts::Refused,
            Unknown::Default => UnknownHosts::Default,
        }
    }
}

/// `ROLLBOOK_KEYS`: what the URLs of sites' own databases and the secrets of codes are sealed under. From the environment alone: whoever lists processes
/// would see a flag.
pub fn keys() -> Done<Keys> {
    let Some(text) = env::var_os(KEYS) else { return Ok(Keys::default()) };
    let text: SecretString = text.into_string().unwrap_or_default().into();
    Keys::try_new(&text).map_err(|error| Failure::new(format!("{KEYS} {error}")))
}

fn address(text: &str) -> Result<Email, String> {
    Email::try_new(text).map_err(|error| error.to_string())
}
