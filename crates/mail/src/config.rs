//! How emails are delivered, as the environment says it. What contradicts itself is refused at the start; secrets are shown
//! nowhere.

use std::fmt;
use std::path::PathBuf;

use lettre::message::Mailbox;
use reqwest::Url;

use crate::provider::{Folder, Provider, Resend, Smtp};

/// A text that nothing shows: `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text, for whoever it authenticates us to.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is configured. A text of nothing but white space is taken for nothing.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `RESEND_API_KEY`: deliver through Resend.
    pub resend_api_key: Option<Secret>,
    /// `ROLLBOOK_RESEND_URL`: where its API is, if elsewhere.
    pub resend_url: Option<String>,
    /// `ROLLBOOK_SMTP_URL`: deliver through this server.
    pub smtp_url: Option<Secret>,
    /// `ROLLBOOK_EMAIL_FROM`: whom the messages are from.
    pub from: Option<String>,
    /// `ROLLBOOK_EMAIL_DIR`: where messages become files, if nothing else delivers them.
    pub directory: PathBuf,
    /// `ROLLBOOK_PUBLIC_URL`: what messages link to.
    pub public_url: Option<String>,
}

/// Why the configuration cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not clear which one delivers.
    #[error("RESEND_API_KEY and ROLLBOOK_SMTP_URL are both set; emails are delivered by one of them: unset the other")]
    TwoProviders,
    /// Nobody would know whom the messages are from.
    #[error("ROLLBOOK_EMAIL_FROM is missing; say whom emails are from, such as `Our school <school@example.org>`")]
    NoFrom,
    /// It is no address.
    #[error("ROLLBOOK_EMAIL_FROM cannot be read; it looks like `Our school <school@example.org>`")]
    BadFrom,
    /// It is no address of a server. What it is holds a password.
    #[error("ROLLBOOK_SMTP_URL cannot be read; it looks like smtps://user:password@mail.example.org")]
    BadSmtpUrl,
    /// Everybody on the way could read the password.
    #[error(
        "ROLLBOOK_SMTP_URL would send the password in clear; use smtps://…, or smtp://…?tls=required where the server \
         begins TLS later"
    )]
    SmtpInClear,
    /// It is no address of an API, or one that the key would go to in clear.
    #[error("ROLLBOOK_RESEND_URL cannot be used; it looks like https://api.resend.com")]
    BadResendUrl,
    /// It is no address of a web page.
    #[error("ROLLBOOK_PUBLIC_URL cannot be used; it looks like https://school.example.org")]
    BadPublicUrl,
    /// The key has characters that no header takes.
    #[error("RESEND_API_KEY has characters that no key has")]
    BadResendKey,
    /// The machine's certificates cannot be used.
    #[error("no connection with TLS can be made on this machine: {0}")]
    Tls(String),
}

/// What the settings come to.
#[derive(Debug)]
pub(crate) struct Configured {
    pub provider: Provider,
    /// Where messages are files, or were before somebody said how to deliver them.
    pub folder: Folder,
    pub from: Mailbox,
    pub public_url: Option<String>,
}

/// Whom messages in files are from, where nobody says.
const NOBODY: &str = "Rollbook <rollbook@localhost>";
const RESEND: &str = "https://api.resend.com";

impl Settings {
    /// Whether they can be; nothing is connected to.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.configured().map(drop)
    }

    /// Whether a person gets what is sent, and not a folder.
    fn reaches_people(&self) -> bool {
        self.resend_api_key.is_some() || self.smtp_url.is_some()
    }

    pub(crate) fn configured(&self) -> Result<Configured, ConfigError> {
        let settings = self.without_blanks();
        let from = match &settings.from {
            Some(from) => from.parse().map_err(|_| ConfigError::BadFrom)?,
            None if settings.reaches_people() => return Err(ConfigError::NoFrom),
            None => NOBODY.parse().map_err(|_| ConfigError::BadFrom)?,
        };
        let public_url = settings.public_url.as_deref().map(web_page).transpose()?;
        let provider = match (&settings.resend_api_key, &settings.smtp_url) {
            (Some(_), Some(_)) => return Err(ConfigError::TwoProviders),
            (Some(key), None) => {
                let api = api(settings.resend_url.as_deref().unwrap_or(RESEND))?;
                Provider::Resend(Resend::try_new(&api, key)?)
            }
            (None, Some(url)) => {
                covered(url)?;
                Provider::Smtp(Smtp::try_new(url)?)
            }
            (None, None) => Provider::Folder(Folder::new(settings.directory.clone())),
        };
        let folder = Folder::new(settings.directory);
        Ok(Configured { provider, folder, from, public_url })
    }

    fn without_blanks(&self) -> Self {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let secret = |text: &Option<Secret>| text.clone().filter(|secret| !secret.0.is_empty());
        Self {
            resend_api_key: secret(&self.resend_api_key),
            resend_url: said(&self.resend_url),
            smtp_url: secret(&self.smtp_url),
            from: said(&self.from),
            directory: self.directory.clone(),
            public_url: said(&self.public_url),
        }
    }
}

/// Whether a server is on this machine, so that nobody listens on the way.
fn is_here(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Refuses to send a password to a server in clear.
fn covered(url: &Secret) -> Result<(), ConfigError> {
    let url: Url = url.reveal().parse().map_err(|_| ConfigError::BadSmtpUrl)?;
    let tls = url.scheme() == "smtps" || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    if url.password().is_none() || tls || is_here(&url) { Ok(()) } else { Err(ConfigError::SmtpInClear) }
}

/// An API that a key may be sent to: over TLS, or on this machine.
fn api(text: &str) -> Result<Url, ConfigError> {
    let url: Url = text.trim().parse().map_err(|_| ConfigError::BadResendUrl)?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_here(&url));
    if safe && url.username().is_empty() && url.password().is_none() { Ok(url) } else { Err(ConfigError::BadResendUrl) }
}

fn web_page(text: &str) -> Result<String, ConfigError> {
    let url: Url = text.trim().parse().map_err(|_| ConfigError::BadPublicUrl)?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url.to_string())
    } else {
        Err(ConfigError::BadPublicUrl)
    }
}

#[cfg(test)]
mod tests;
