//! The systems that are configured, as a TOML file says it. Their secrets are in the environment, and the file names where.

use std::collections::BTreeSet;
use std::env;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// What kind of system it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// OpenID Connect.
    #[default]
    Oidc,
    /// Discord's OAuth, which is none.
    Discord,
}

/// A system.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// How it is called in addresses.
    pub name: String,
    /// How it is called for people.
    pub title: String,
    /// What kind it is.
    pub kind: Kind,
    /// Where it is, exactly as it calls itself.
    pub issuer: String,
    /// How it knows this service.
    pub client_id: String,
    /// How this service shows who it is.
    pub client_secret: SecretString,
    /// What it is asked for.
    pub scopes: Vec<String>,
    /// Whom bearer tokens must be for; none is `client_id`.
    pub audience: Option<String>,
    /// In which schools it vouches for people; in the others it does not exist.
    pub sites: Sites,
    /// Whether it lets in owners, admins and super admins, once one of them has linked it by hand.
    pub privileged: bool,
    /// Whether it asks everybody for a second factor; otherwise it says so of each who signs in, or is not believed to have.
    pub multi_factor: bool,
}

/// The fewest characters of a client's secret: what browsers keep is sealed under it, and a shorter one could be guessed from that.
const SHORTEST_SECRET: usize = 16;
/// The slug of the site that a provider is of which names none.
const DEFAULT_SITE: &str = "default";
/// What stands for every site, also those that are opened later.
const EVERY_SITE: &str = "*";

/// In which schools a system vouches for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sites {
    /// In all of them, also those that are opened later.
    Every,
    /// In those with these slugs.
    Named(BTreeSet<String>),
}

impl Sites {
    /// Whether the school with this slug is one of them.
    pub fn include(&self, slug: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Named(slugs) => slugs.contains(slug),
        }
    }

    /// Those that are named, by their slugs.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let slugs = match self {
            Self::Every => None,
            Self::Named(slugs) => Some(slugs),
        };
        slugs.into_iter().flatten().map(String::as_str)
    }

    fn try_new(slugs: Option<Vec<String>>) -> Result<Self, &'static str> {
        let slugs: BTreeSet<_> = slugs.unwrap_or_else(|| vec![DEFAULT_SITE.to_owned()]).into_iter().collect();
        if slugs.contains(EVERY_SITE) {
            return if slugs.len() == 1 { Ok(Self::Every) } else { Err("its sites are \"*\", or slugs, and not both") };
        }
        let plain = |slug: &String| {
            !slug.is_empty() && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if slugs.is_empty() || !slugs.iter().all(plain) {
            return Err("its sites are the slugs of schools, one at least, or \"*\" for every one");
        }
        Ok(Self::Named(slugs))
    }
}

/// Why the file cannot be.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is no such file.
    #[error("ROLLBOOK_OIDC cannot be read: {0}")]
    NotToml(#[from] toml::de::Error),
    /// A provider's setting cannot be.
    #[error("ROLLBOOK_OIDC, provider {name}: {why}")]
    Provider {
        /// Which.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    provider: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    title: Option<String>,
    #[serde(default)]
    kind: Kind,
    issuer: Option<String>,
    client_id: String,
    client_secret_env: String,
    scopes: Option<Vec<String>>,
    audience: Option<String>,
    sites: Option<Vec<String>>,
    #[serde(default)]
    privileged: bool,
    #[serde(default)]
    multi_factor: bool,
}

/// Reads the file's text; secrets come from the environment variables that it names.
pub fn read(text: &str) -> Result<Vec<ProviderSettings>, SettingsError> {
    let File { provider } = toml::from_str(text)?;
    let mut names = BTreeSet::new();
    provider
        .into_iter()
        .map(|entry| {
            let name = entry.name.clone();
            let wrong = |why| SettingsError::Provider { name: name.clone(), why };
            if !names.insert(name.clone()) {
                return Err(wrong("there are two of this name"));
            }
            let secret = env::var(&entry.client_secret_env).unwrap_or_default();
            entry.settled(secret.trim()).map_err(wrong)
        })
        .collect()
}

impl Entry {
    fn settled(self, secret: &str) -> Result<ProviderSettings, &'static str> {
        let plain = self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if self.name.is_empty() || !plain {
            return Err("its name is part of an address: lower-case letters, digits and hyphens");
        }
        let (issuer, scopes) = match (self.kind, self.issuer) {
            (Kind::Discord, issuer) => (issuer.unwrap_or("https://discord.com".to_owned()), vec!["identify", "email"]),
            (Kind::Oidc, Some(issuer)) => (issuer, vec!["openid", "email"]),
            (Kind::Oidc, None) => return Err("say its issuer"),
        };
        if !is_safe(&issuer) {
            return Err("its issuer must be https, or on this machine");
        }
        if secret.is_empty() {
            return Err("the environment variable that client_secret_env names is not set");
        }
        if secret.chars().count() < SHORTEST_SECRET {
            return Err("its client secret is too short to be one: 16 characters at least");
        }
        let scopes = self.scopes.unwrap_or_else(|| scopes.into_iter().map(str::to_owned).collect());
        if self.kind == Kind::Oidc && !scopes.iter().any(|scope| scope == "openid") {
            return Err("its scopes must have openid");
        }
        Ok(ProviderSettings {
            title: self.title.unwrap_or_else(|| self.name.clone()),
            name: self.name,
            kind: self.kind,
            issuer,
            client_id: self.client_id,
            client_secret: secret.into(),
            scopes,
            audience: self.audience,
            sites: Sites::try_new(self.sites)?,
            privileged: self.privileged,
            multi_factor: self.multi_factor,
        })
    }
}

/// Whether what is sent there is sent over TLS, or to this machine.
pub(crate) fn is_safe(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        read(text).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_provider_is_read_with_its_secret_from_the_environment() {
        // A variable that is there wherever tests run.
        let text = "[[provider]]\nname = 'ako'\nissuer = 'https://id.example.org'\nclient_id = 'rollbook'\n\
            client_secret_env = 'PATH'\n[[provider]]\nname = 'discord'\nkind = 'discord'\nclient_id = '7'\n\
            client_secret_env = 'PATH'\n";
        let [ako, discord] = &read(text).unwrap()[..] else { panic!("two") };
        assert_eq!((ako.title.as_str(), &ako.scopes), ("ako", &vec!["openid".to_owned(), "email".to_owned()]));
        assert_eq!((discord.kind, discord.issuer.as_str()), (Kind::Discord, "https://discord.com"));
        assert!(ako.sites.include("default") && !ako.sites.include("north") && !ako.privileged);
        assert!(!format!("{ako:?}").contains(&env::var("PATH").unwrap()));
    }

    #[test]
    fn a_provider_is_of_the_schools_that_it_names() {
        let of = |sites: &str| {
            let text = format!(
                "[[provider]]\nname = 'ako'\nclient_id = 'r'\nclient_secret_env = 'PATH'\nissuer = 'https://a'\n\
                privileged = true\nsites = {sites}\n"
            );
            read(&text).map(|read| (read[0].sites.clone(), read[0].privileged)).map_err(|error| error.to_string())
        };
        let (north, privileged) = of("['north', 'south']").unwrap();
        assert!(privileged && north.include("north") && north.include("south") && !north.include("default"));
        assert_eq!(of("['*']").unwrap().0, Sites::Every);
        assert!(of("['*', 'north']").unwrap_err().contains("not both"));
        for wrong in ["[]", "['']", "['North']", "['no*']"] {
            assert!(of(wrong).unwrap_err().contains("slugs of schools"), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_is_named() {
        let with =
            |line: &str| format!("[[provider]]\nname = 'ako'\nclient_id = 'r'\nclient_secret_env = 'PATH'\n{line}\n");
        assert!(why("provider = 7").contains("cannot be read"));
        assert!(why(&with("")).contains("say its issuer"));
        assert!(why(&with("issuer = 'http://id.example.org'")).contains("must be https"));
        assert!(why(&with("issuer = 'https://a'\nscopes = ['email']")).contains("openid"));
        assert!(why(&with("issuer = 'https://a'").replace("PATH", "NO_SUCH_VARIABLE")).contains("is not set"));
        // Another variable that is there wherever tests run.
        assert!(why(&with("issuer = 'https://a'").replace("PATH", "CARGO_PKG_VERSION")).contains("too short"));
        assert!(why(&with("issuer = 'https://a'").replace("'ako'", "'A/'")).contains("lower-case"));
        assert!(why(&with("issuer = 'https://a'").repeat(2)).contains("two of this name"));
    }
}
