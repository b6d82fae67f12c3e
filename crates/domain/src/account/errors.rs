//! The rules that a command about an account can break.

/// Why a command about an account was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AccountRule {
    /// Nobody is let in who may not act.
    #[error("the person is deactivated; reactivate them before inviting them")]
    AccountInactive,
    /// The person has come in before, and somebody else has seen the link.
    #[error("this link was used, has run out, or was replaced by a newer one; ask for another")]
    InvitationGone,
    /// Whoever has the link becomes the person.
    #[error("the person is an owner: only an owner may invite them, because whoever has the link can act as them")]
    OwnersInvitation,
    /// Whoever has the link has the place of the site's first owner, or of one whom the configuration names.
    #[error(
        "this is the school's first owner, or one whom the installation's configuration names: only they themselves, or a super \
             admin, do this; a link is mailed to whoever asks for another password, or comes from `rollbook invite`"
    )]
    OwnerIsBootstrapped,
    /// Whoever ends an owner's ways in locks them out.
    #[error("the person is an owner: only an owner ends their sessions, keys and identities")]
    OwnersAccount,
    /// A key that is not looked after is a hole.
    #[error("a person has at most {most} API keys; revoke one that is not needed any more")]
    TooManyApiKeys {
        /// How many there may be.
        most: usize,
    },
    /// It would run out before it was made.
    #[error("expires_at has passed; a key must be good for some time")]
    ApiKeyExpired,
    /// Nobody remembers a key that is good for longer.
    #[error("an API key is good for {days} days at most")]
    ApiKeyTooLong {
        /// How long it may be good for.
        days: i64,
    },
}
