//! How people sign in, and what acts for them: sessions, passwords, invitations, keys, other systems. The log is told first, and then
//! the tables are changed: nothing takes effect that the log does not have.
//!
//! What a handler knows of a secret it forgets: none is in an answer but the one that was asked for, and none in a log line.

mod access;
mod api_keys;
pub mod cookies;
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
mod session;
mod sessions;
mod sign_in;

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::routing::MethodRouter;
use rollbook_domain::SiteId;
use rollbook_oidc::Provider;

use self::hashing::Hashing;
use self::limits::Limits;
use crate::headers::single;
use crate::operation::{Body, Operation, Success, Whom};
use crate::problem::ApiError;
use crate::state::AppState;

pub use self::oidc::bearer as vouched_for;
pub use self::origin::refuse_other_sites;
pub use self::pages::parts;
pub use self::problem::AccountProblem;
pub use self::proof::{BODY as PROOF, Proof};
pub use self::sessions::sign_out;

/// What is configured about signing in.
#[derive(Clone, Debug, Default)]
pub struct AccountSettings {
    /// `ROLLBOOK_PUBLIC_URL`: where links lead. Without it, to where the request that asks for one came.
    pub public_url: Option<String>,
    /// `ROLLBOOK_OIDC`: the systems that people may sign in by.
    pub providers: Vec<Arc<Provider>>,
}

/// What handlers share about signing in.
#[derive(Debug)]
pub struct Accounts {
    hashing: Hashing,
    limits: Limits,
    public_url: Option<String>,
    providers: Vec<Arc<Provider>>,
}

impl Accounts {
    /// Nobody has tried yet.
    pub fn new(settings: AccountSettings) -> Self {
        let AccountSettings { public_url, providers } = settings;
        Self { hashing: Hashing::new(), limits: Limits::new(), public_url, providers }
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

    /// An address of this service. Of the default site it is under the public URL, if there is one; of another, which has hosts of
    /// its own, under the host that the request came by.
    fn address(&self, site: SiteId, headers: &HeaderMap, path: &str) -> Result<String, ApiError> {
        if let Some(url) = self.public_url.as_ref().filter(|_| site == SiteId::DEFAULT) {
            return Ok(format!("{}{path}", url.trim_end_matches('/')));
        }
        let host = single(headers, HOST.as_str())?.ok_or_else(|| ApiError::BadHeader("Host is missing".to_owned()))?;
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let told = self.public_url.as_ref().and_then(|url| url.split_once("://"));
        let scheme = match told {
            Some((scheme, _)) => scheme,
            None if matches!(name, "localhost" | "127.0.0.1" | "[::1]") => "http",
            None => "https",
        };
        Ok(format!("{scheme}://{host}{path}"))
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
        api_keys::operations(),
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
    (audience, body, success): (Whom, Option<Body>, Success),
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
        patient: false,
        route,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(public_url: Option<&str>, site: SiteId, host: &'static str) -> String {
        let public_url = public_url.map(str::to_owned);
        let accounts = Accounts::new(AccountSettings { public_url, ..AccountSettings::default() });
        let headers = [(HOST, host.parse().unwrap())].into_iter().collect();
        accounts.address(site, &headers, "/invitation").unwrap()
    }

    #[test]
    fn a_sites_links_lead_to_its_own_host() {
        let (north, public) = (SiteId(uuid::Uuid::from_u128(7)), Some("http://rollbook.example.org:8080/"));
        assert_eq!(address(public, SiteId::DEFAULT, "elsewhere"), "http://rollbook.example.org:8080/invitation");
        assert_eq!(address(public, north, "north.example.org:8080"), "http://north.example.org:8080/invitation");
        assert_eq!(address(None, north, "north.example.org"), "https://north.example.org/invitation");
        assert_eq!(address(None, SiteId::DEFAULT, "127.0.0.1:8080"), "http://127.0.0.1:8080/invitation");
    }
}
