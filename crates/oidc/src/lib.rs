//! Other systems that vouch for people: OpenID Connect by the code flow with PKCE, bearer tokens of a configured issuer, and Discord.
//!
//! It says whom a system vouches for, and never who that is here or what they may do. What a system sends is believed when its
//! signature, issuer, audience and time hold, and never before.

use chrono::{DateTime, Utc};

mod discord;
mod fetch;
mod flow;
mod keys;
mod provider;
mod settings;
mod signatures;
mod token;

pub use flow::{Flow, SealError};
pub use provider::{AuthorizationRequest, Callback, Provider};
pub use settings::{Kind, ProviderSettings, SettingsError, Sites, read};

/// Whom a system vouches for.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedIdentity {
    /// Which system.
    pub issuer: String,
    /// Under which id it knows them.
    pub subject: String,
    /// Their address, if the system has verified it.
    pub email: Option<String>,
    /// Whether the system has asked them for more than one thing.
    pub multi_factor: bool,
    /// When it was said at the earliest, by our clock, from which the system's may differ; none is now.
    pub said_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for VerifiedIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedIdentity").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why a system vouches for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// It cannot be reached, or does not answer as it should; later it may.
    #[error("the system that people sign in by does not answer as it should: {0}")]
    Unavailable(&'static str),
    /// Its word does not hold.
    #[error("the other system's word does not hold: {0}")]
    NotVouched(&'static str),
}
