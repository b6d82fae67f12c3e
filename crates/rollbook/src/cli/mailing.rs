//! What the command line and the environment say about emails. Secrets come from the environment alone: whoever lists processes
//! would see a flag.

use std::env;
use std::path::PathBuf;

use clap::Args;
use rollbook_mail::{Secret, Settings};

use super::DatabaseArgs;

/// How emails are delivered.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Emails (files, unless RESEND_API_KEY or ROLLBOOK_SMTP_URL is in the environment)")]
pub struct Mail {
    /// Whom they are from
    #[arg(long, env = "ROLLBOOK_EMAIL_FROM", value_name = "NAME <ADDRESS>")]
    email_from: Option<String>,
    /// Where they become files, where nothing else delivers them; otherwise `emails` in the data directory
    #[arg(long, env = "ROLLBOOK_EMAIL_DIR", value_name = "DIR")]
    email_dir: Option<PathBuf>,
    /// What they link to
    #[arg(long, env = "ROLLBOOK_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Where the Resend API is, if elsewhere
    #[arg(long, env = "ROLLBOOK_RESEND_URL", hide = true, value_name = "URL")]
    resend_url: Option<String>,
}

impl Mail {
    /// The settings of the delivery, for an installation.
    pub fn settings(&self, place: &DatabaseArgs) -> Settings {
        Settings {
            resend_api_key: secret("RESEND_API_KEY"),
            resend_url: self.resend_url.clone(),
            smtp_url: secret("ROLLBOOK_SMTP_URL"),
            from: self.email_from.clone(),
            directory: self.email_dir.clone().unwrap_or_else(|| place.data_dir.join("emails")),
            public_url: self.public_url.clone(),
        }
    }
}

fn secret(name: &str) -> Option<Secret> {
    env::var_os(name).map(|text| Secret::new(&text.to_string_lossy()))
}
