//! The commands about an account: what each says, and what it causes. No client sends any of them as a command: whether a
//! password is right or a link is still good is looked up before, and what is secret in it stays there.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{InvitationPurpose, PasswordChange, ShownFactor, SignInFailure, SignInMethod};
use super::scope::KeyScope;
use super::{Account, AccountEvent, AccountFacts, AccountRule};
use crate::actor::{Authority, DecisionContext};
use crate::aggregate::Decision;
use crate::command::{AccountCommand, StreamCommand};
use crate::ids::{AccountId, PersonId};
use crate::personal::Personal;
use crate::policy::Right;
use crate::text::Name;

/// How many keys a person may have at a time.
pub const MAX_KEYS: usize = 20;
/// How long a key may be good for, in days: a year, and the day that some years are longer by.
pub const MAX_KEY_DAYS: i64 = 366;

macro_rules! account_commands {
    ($(
        $(#[$doc:meta])*
        $name:ident: $right:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }
        |$command:pat_param, $account:pat_param, $context:pat_param, $facts:pat_param| $decide:block
    )*) => {
    $(
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The id of the person whose account it is.
            pub person_id: PersonId,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl StreamCommand for $name {
            type Aggregate = Account;
            const RIGHT: Right = Right::$right;

            fn id(&self) -> Option<AccountId> {
                Some(self.person_id.into())
            }

            fn decide(&self, $account: &Account, $context: &DecisionContext, $facts: &AccountFacts) -> Decision<Account> {
                let $command = self;
                $decide
            }
        }
    )*

        impl AccountCommand {
            /// The person whose account it is about.
            pub fn person(&self) -> PersonId {
                match self {
                    $(Self::$name(command) => command.person_id,)*
                }
            }
        }
    };
}

account_commands! {
    /// Makes a link by which a person may set a password: whoever has the link becomes that person.
    IssueInvitation: Invite {
        /// Whether it lets them in for the first time, or sets a password anew.
        purpose: InvitationPurpose,
    } |command, _, context, facts| {
        if !facts.person.active {
            return Err(AccountRule::AccountInactive);
        }
        facts.person.refuse_below_an_owner(context).map_err(|_| AccountRule::OwnersInvitation)?;
        // The installation mails links to their own address, and prints them to whoever has its database.
        if context.authority != Authority::System {
            refuse_to_others(context, facts, command.person_id)?;
        }
        Ok(vec![AccountEvent::InvitationIssued { purpose: command.purpose, by: context.actor.person() }])
    }

    /// Sets a password.
    SetPassword: OwnAccount {
        /// By a link, or by the password before.
        how: PasswordChange,
        /// Whether it must be what lets the person in for the first time: by a link that somebody else has seen.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        first: bool,
    } |command, account, _, _| {
        // Whoever was shown the link may be another than whoever has come in.
        if command.first && account.came_in {
            return Err(AccountRule::InvitationGone);
        }
        Ok(vec![AccountEvent::PasswordSet { how: command.how }])
    }

    /// Lets a person in.
    SignIn: OwnAccount {
        /// What they showed.
        method: SignInMethod,
        /// The session's public id.
        session_id: Uuid,
        /// What they showed besides.
        second_factor: ShownFactor,
        /// Whether it is on a device on which the person has not signed in before.
        new_device: bool,
    } |command, _, _, _| {
        let Self { person_id: _, method, session_id, second_factor, new_device } = *command;
        Ok(vec![AccountEvent::SignedIn { method, session_id, second_factor, new_device }])
    }

    /// Records that somebody was not let in.
    RecordFailedSignIn: RecordSignIns {
        /// Why they were not.
        reason: SignInFailure,
    } |command, _, _, _| {
        Ok(vec![AccountEvent::SignInFailed { reason: command.reason }])
    }

    /// Records that so many attempts have failed that the person is to be told.
    RecordFailedSignIns: RecordSignIns {} |_, _, _, _| {
        Ok(vec![AccountEvent::SignInsFailed {}])
    }

    /// Ends a session.
    SignOut: EndWaysIn {
        /// The session's public id.
        session_id: Uuid,
    } |command, _, context, facts| {
        refuse_above(context, facts, command.person_id)?;
        Ok(vec![AccountEvent::SignedOut { session_id: command.session_id }])
    }

    /// Ends all sessions.
    SignOutEverywhere: OwnAccount {} |_, _, _, _| {
        Ok(vec![AccountEvent::SignedOutEverywhere {}])
    }

    /// Makes a key that acts for the person.
    CreateApiKey: OwnAccount {
        /// The key's public id.
        key_id: Uuid,
        /// What the person calls it.
        name: Personal<Name>,
        /// What it may do.
        scope: KeyScope,
        /// The instant from which it acts no more.
        expires_at: DateTime<Utc>,
    } |command, account, context, facts| {
        let (key_id, expires_at, epoch) = (command.key_id, command.expires_at, facts.person.epochs.access);
        // Sent again under the same id, it is there already.
        if account.keys.contains_key(&key_id) {
            return Ok(Vec::new());
        }
        if expires_at <= context.at {
            return Err(AccountRule::ApiKeyExpired);
        }
        if expires_at > context.at + TimeDelta::days(MAX_KEY_DAYS) {
            return Err(AccountRule::ApiKeyTooLong { days: MAX_KEY_DAYS });
        }
        if account.keys_at(context.at, epoch) >= MAX_KEYS {
            return Err(AccountRule::TooManyApiKeys { most: MAX_KEYS });
        }
        let (name, scope) = (command.name.reveal().into(), command.scope.clone());
        Ok(vec![AccountEvent::ApiKeyCreated { key_id, name, scope, expires_at, epoch }])
    }

    /// Ends a key.
    RevokeApiKey: EndWaysIn {
        /// The key's public id.
        key_id: Uuid,
    } |command, account, context, facts| {
        refuse_above(context, facts, command.person_id)?;
        let key_id = command.key_id;
        Ok(account.keys.contains_key(&key_id).then_some(AccountEvent::ApiKeyRevoked { key_id }).into_iter().collect())
    }

    /// Lets another system vouch for the person.
    LinkIdentity: OwnAccount {
        /// The address by which the other system is known, its issuer.
        issuer: String,
    } |command, _, _, _| {
        Ok(vec![AccountEvent::IdentityLinked { issuer: command.issuer.clone() }])
    }

    /// Lets another system vouch for the person no more.
    UnlinkIdentity: EndWaysIn {
        /// The address by which the other system is known, its issuer.
        issuer: String,
    } |command, _, context, facts| {
        refuse_above(context, facts, command.person_id)?;
        Ok(vec![AccountEvent::IdentityUnlinked { issuer: command.issuer.clone() }])
    }
}

impl AccountCommand {
    /// Whether it does nothing but take ways in away.
    pub fn takes_away(&self) -> bool {
        matches!(self, Self::SignOut(_) | Self::SignOutEverywhere(_) | Self::RevokeApiKey(_) | Self::UnlinkIdentity(_))
    }
}

/// Refuses an admin who would take an owner's ways in away, and other owners a first owner's; their own they end themselves.
fn refuse_above(context: &DecisionContext, facts: &AccountFacts, person: PersonId) -> Result<(), AccountRule> {
    if context.authority == Authority::Oneself {
        return Ok(());
    }
    facts.person.refuse_below_an_owner(context).map_err(|_| AccountRule::OwnersAccount)?;
    refuse_to_others(context, facts, person)
}

/// Refuses everybody else in the site what is a first owner's, or theirs whom the configuration names.
fn refuse_to_others(context: &DecisionContext, facts: &AccountFacts, person: PersonId) -> Result<(), AccountRule> {
    facts.person.refuse_to_others(context, Some(person)).map_err(|_| AccountRule::OwnerIsBootstrapped)
}
