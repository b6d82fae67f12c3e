//! What happened to an account. A contract: a changed event is a new version, an upcaster and a new fixture.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::scope::KeyScope;
use crate::ids::PersonId;
use crate::personal::Personal;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            Hash,
            Serialize,
            Deserialize,
            JsonSchema,
            strum::IntoStaticStr,
            strum::EnumString,
            strum::Display,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }
    )*};
}

words! {
    /// What an invitation is for.
    InvitationPurpose {
        /// Somebody lets a person in.
        Invitation,
        /// The person has asked for it, because they have forgotten their password.
        Reset,
    }

    /// How a password came to be set.
    PasswordChange {
        /// By an invitation.
        Invitation,
        /// By a link that was mailed to whoever had forgotten it.
        Reset,
        /// By somebody who knew the one before.
        Change,
    }

    /// What somebody signed in with.
    SignInMethod {
        /// Their password.
        Password,
        /// An invitation, or a reset.
        Invitation,
        /// Another system, by OpenID Connect.
        Oidc,
        /// Discord.
        Discord,
    }

    /// Why somebody was not let in.
    SignInFailure {
        /// It was another password.
        WrongPassword,
        /// The person has none.
        NoPassword,
        /// The person may not act.
        PersonInactive,
        /// It was the password, or another system's word, and then another code than the right one.
        WrongSecondFactor,
    }

    /// What somebody has shown besides what they signed in with.
    ShownFactor {
        /// Nothing, because nothing was asked for.
        Nothing,
        /// A code of their app.
        Totp,
        /// A passkey or a security key.
        Passkey,
        /// A recovery code, which is used up.
        RecoveryCode,
        /// What the other system says that it has asked for.
        Elsewhere,
    }
}

impl ShownFactor {
    /// Whether nothing was shown.
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    fn nothing() -> Self {
        Self::Nothing
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over")]
fn is_first(epoch: &i64) -> bool {
    *epoch == 0
}

/// The events of an `account` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum AccountEvent {
    /// A link was made by which the person may set a password, in place of the one before for the same purpose.
    InvitationIssued {
        /// What for.
        purpose: InvitationPurpose,
        /// By whom; none is the installation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
    },
    /// The password is another one from now on, or the first.
    PasswordSet {
        /// How it came to be.
        how: PasswordChange,
    },
    /// The person was let in.
    SignedIn {
        /// With what.
        method: SignInMethod,
        /// The session's public id.
        session_id: Uuid,
        /// What they showed besides.
        #[serde(default = "ShownFactor::nothing", skip_serializing_if = "ShownFactor::is_nothing")]
        second_factor: ShownFactor,
        /// Whether it was on a device on which the person had not signed in before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        new_device: bool,
    },
    /// Somebody was not let in. Of many in a short time only the first are recorded.
    SignInFailed {
        /// Why not.
        reason: SignInFailure,
    },
    /// Attempts to sign in have failed so often that the person is told: once a day at most.
    SignInsFailed {},
    /// A session was ended, by its person or by an admin.
    SignedOut {
        /// Which.
        session_id: Uuid,
    },
    /// All sessions were ended by their person.
    SignedOutEverywhere {},
    /// A key was made that acts for the person.
    ApiKeyCreated {
        /// Its public id.
        key_id: Uuid,
        /// What the person calls it.
        name: Personal<String>,
        /// What it may do.
        scope: KeyScope,
        /// Until when.
        expires_at: DateTime<Utc>,
        /// The epoch of the person's access that it is good in.
        #[serde(default, skip_serializing_if = "is_first")]
        epoch: i64,
    },
    /// A key acts for nobody any more.
    ApiKeyRevoked {
        /// Which.
        key_id: Uuid,
    },
    /// Another system vouches for the person from now on.
    IdentityLinked {
        /// Which system.
        issuer: String,
    },
    /// Another system vouches for the person no more.
    IdentityUnlinked {
        /// Which system.
        issuer: String,
    },
}
