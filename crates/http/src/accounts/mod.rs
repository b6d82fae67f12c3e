//! How people sign in, and what acts for them: sessions, passwords, invitations, keys, other systems. The log is told first, and then
//! the tables are changed: nothing takes effect that the log does not have.
//!
//! What a handler knows of a secret it forgets: none is in an answer but the one that was asked for, and none in a log line.

mod access;
mod api_keys;
pub mod cookies;
mod email;
mod hashing;
mod invitations;
mod limits;
mod next;
mod oidc;
mod origin;
mod pages;
mod password;
mod passwords;
mod problem;
mod proof;
mod second_factor;
mod session;
mod sessions;
mod sign_in;
mod without_passwords;

use std::sync::Arc;

use axum::routing::MethodRouter;
use rollbook_domain::SiteId;
use rollbook_domain::site::{HostName, page_of};
use rollbook_oidc::Provider;
use rollbook_store::keys::Keys;

use self::hashing::Hashing;
use self::limits::Limits;
use crate::operation::{Audience, Body, Operation, Success};
use crate::problem::ApiError;
use crate::sites::CameTo;
use crate::state::AppState;

pub use self::oidc::bearer as vouched_for;
pub use self::origin::refuse_other_sites;
pub use self::pages::parts;
pub use self::problem::{AccountProblem, ENDED};
pub use self::proof::{BODY as PROOF, Proof};
pub use self::second_factor::required::{Lacks, handed_on, lacks};
pub use self::sessions::sign_out;
pub use self::without_passwords::{is_left_out, refuse_last_way_in};

/// What is configured about signing in.
#[derive(Clone, Debug, Default)]
pub struct AccountSettings {
    /// `ROLLBOOK_PUBLIC_URL`: where links lead. Without it, to the hosts of the registry, or where the service is connected to.
    pub public_url: Option<String>,
    /// `ROLLBOOK_OIDC`: the systems that people may sign in by.
    pub providers: Vec<Arc<Provider>>,
}

/// What handlers share about signing in.
#[derive(Debug)]
pub struct Accounts {
    hashing: Hashing,
    limits: Limits,
    /// Of what is shown besides passwords.
    codes: Limits,
    /// What the secrets of codes are sealed under.
    keys: Keys,
    public_url: Option<String>,
    providers: Vec<Arc<Provider>>,
}

impl Accounts {
    /// Nobody has tried yet.
    pub fn new(settings: AccountSettings, keys: Keys) -> Self {
        let AccountSettings { public_url, providers } = settings;
        let (limits, codes) = (Limits::of_passwords(), Limits::of_codes());
        Self { hashing: Hashing::new(), limits, codes, keys, public_url, providers }
    }

    /// The systems that vouch in a site; in another they do not exist.
    fn vouching(&self, slug: &str) -> impl Iterator<Item = &Provider> {
        self.providers.iter().map(AsRef::as_ref).filter(move |provider| provider.settings().sites.include(slug))
    }

    /// The systems that vouch in some site which there is not, each with that slug: one that is opened later, or a mistake.
    pub fn vouching_nowhere(&self, known: impl Fn(&str) -> bool) -> Vec<(&str, &str)> {
        let named = self.providers.iter().flat_map(|provider| {
            let settings = provider.settings();
            settings.sites.named().map(|slug| (&*settings.name, slug))
        });
        named.filter(|(_, slug)| !known(slug)).collect()
    }

    /// `ROLLBOOK_PUBLIC_URL`, which is the default site's.
    fn public_url_of(&self, site: SiteId) -> Option<&str> {
        self.public_url.as_deref().filter(|_| site == SiteId::DEFAULT)
    }

    /// An address of this service, under one of a site's hosts as the registry has it, with the scheme and port of the public URL.
    /// Where nobody has said either, it is this end of the connection; nothing that the client writes is looked at.
    fn address(&self, site: SiteId, host: Option<&str>, came_to: &CameTo, path: &str) -> Result<String, ApiError> {
        let url = self.public_url.as_deref();
        let here = |name: String| came_to.local.map(|local| format!("http://{name}:{}", local.port()));
        let page = match host.and_then(|host| HostName::try_new(host).ok()) {
            // A school's own name for this machine, where nobody has set up TLS.
            Some(host) if url.is_none() && host.is_loopback() => here(host.to_string()),
            _ => page_of(url, site, host).or_else(|| came_to.local.map(|local| format!("http://{local}"))),
        };
        let page = page.ok_or_else(|| ApiError::internal(&"nobody knows where this service is"))?;
        Ok(format!("{}{path}", page.trim_end_matches('/')))
    }
}

/// The operations.
pub fn operations() -> Vec<Operation> {
    [
        access::operations(),
        sign_in::operations(),
        sessions::operations(),
        invitations::operations(),
        passwords::operations(),
        email::operations(),
        api_keys::operations(),
        second_factor::operations(),
        oidc::operations(),
        pages::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An operation with a body of JSON, or none.
fn operation(
    (id, method): (&'static str, &'static str),
    path: &str,
    summary: &str,
    (audience, body, success): (Audience, Option<Body>, Success),
    route: MethodRouter<AppState>,
) -> Operation {
    Operation {
        id,
        method,
        path: path.to_owned(),
        summary: summary.to_owned(),
        audience,
        address: &[],
        query: Vec::new(),
        headers: &[],
        command: None,
        body,
        upload: &[],
        success,
        takes_long: false,
        route,
    }
}

#[cfg(test)]
mod tests {
    use rollbook_domain::site::HostAdmits;

    use super::*;

    fn address(public_url: Option<&str>, site: SiteId, host: Option<&str>) -> String {
        let public_url = public_url.map(str::to_owned);
        let accounts = Accounts::new(AccountSettings { public_url, ..AccountSettings::default() }, Keys::default());
        let came_to = CameTo { host: None, admits: HostAdmits::Everyone, local: "127.0.0.1:8080".parse().ok() };
        accounts.address(site, host, &came_to, "/invitation").unwrap()
    }

    #[test]
    fn a_sites_links_lead_to_its_own_host() {
        let (north, public) = (SiteId(uuid::Uuid::from_u128(7)), Some("http://rollbook.example.org:8080/"));
        let (own, here) = (Some("north.example.org"), Some("localhost"));
        assert_eq!(address(public, SiteId::DEFAULT, None), "http://rollbook.example.org:8080/invitation");
        assert_eq!(address(public, north, own), "http://north.example.org:8080/invitation");
        assert_eq!(address(None, north, own), "https://north.example.org/invitation");
        assert_eq!(address(None, north, here), "http://localhost:8080/invitation");
        assert_eq!(address(None, SiteId::DEFAULT, own), "https://north.example.org/invitation");
        assert_eq!(address(None, SiteId::DEFAULT, None), "http://127.0.0.1:8080/invitation");
    }
}
