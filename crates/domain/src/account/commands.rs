//! What can be asked about an account. No client sends any of this as a command: whether a password is right or a link is still
//! good is looked up before, and what is secret in it stays there.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{InvitationPurpose, PasswordChange, ShownFactor, SignInFailure, SignInMethod};
use super::scope::KeyScope;
use crate::ids::PersonId;
use crate::personal::Personal;
use crate::text::Name;

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                /// Whose account.
                pub person_id: PersonId,
                $($(#[$field_doc])* pub $field: $type,)*
            }
        )*

        /// The commands about an account.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        #[expect(missing_docs, reason = "each is the command of that name")]
        pub enum AccountCommand {
            $($name($name),)*
        }

        impl AccountCommand {
            /// Whose account it is about.
            pub fn person(&self) -> PersonId {
                match self {
                    $(Self::$name(command) => command.person_id,)*
                }
            }

            /// Whether it does nothing but take ways in away.
            pub fn takes_away(&self) -> bool {
                matches!(
                    self,
                    Self::SignOut(_) | Self::SignOutEverywhere(_) | Self::RevokeApiKey(_) | Self::UnlinkIdentity(_)
                )
            }
        }
    };
}

commands! {
    /// Makes a link by which a person may set a password: whoever has the link becomes that person.
    IssueInvitation {
        /// What for.
        purpose: InvitationPurpose,
    }
    /// Sets a password.
    SetPassword {
        /// How.
        how: PasswordChange,
        /// Whether it must be what lets the person in for the first time: by a link that somebody else has seen.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        first: bool,
    }
    /// Lets a person in.
    SignIn {
        /// With what.
        method: SignInMethod,
        /// The session's public id.
        session_id: Uuid,
        /// What they showed besides.
        second_factor: ShownFactor,
        /// Whether it is on a device on which the person has not signed in before.
        new_device: bool,
    }
    /// Records that somebody was not let in.
    RecordFailedSignIn {
        /// Why not.
        reason: SignInFailure,
    }
    /// Records that so many attempts have failed that the person is to be told.
    RecordFailedSignIns {}
    /// Ends a session.
    SignOut {
        /// Which.
        session_id: Uuid,
    }
    /// Ends all sessions.
    SignOutEverywhere {}
    /// Makes a key that acts for the person.
    CreateApiKey {
        /// Its public id.
        key_id: Uuid,
        /// What the person calls it.
        name: Personal<Name>,
        /// What it may do.
        scope: KeyScope,
        /// Until when.
        expires_at: DateTime<Utc>,
    }
    /// Ends a key.
    RevokeApiKey {
        /// Which.
        key_id: Uuid,
    }
    /// Lets another system vouch for the person.
    LinkIdentity {
        /// Which system.
        issuer: String,
    }
    /// Lets another system vouch for the person no more.
    UnlinkIdentity {
        /// Which system.
        issuer: String,
    }
}
