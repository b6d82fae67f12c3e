//! What may happen to an account, as pure functions of its state and its person.

use chrono::TimeDelta;
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{
    Account, AccountCommand, AccountEvent, AccountFacts, AccountRule, CreateApiKey, IssueInvitation, LinkIdentity,
    RecordFailedSignIn, RevokeApiKey, SetPassword, SignIn, SignOut, UnlinkIdentity,
};
use crate::actor::{Asked, Authority, By};
use crate::claim::ClaimChanges;
use crate::ids::{AccountId, PersonId};
use crate::plan::Claims;

/// How many keys a person may have at a time.
pub const MAX_KEYS: usize = 20;
/// How long a key may be good for: a year, and the day that some years are longer by.
pub const MAX_KEY_DAYS: i64 = 366;

impl Account {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &AccountCommand,
        by: &By,
        facts: &AccountFacts,
    ) -> Result<Vec<AccountEvent>, AccountRule> {
        Ok(match command {
            AccountCommand::IssueInvitation(c) => vec![Self::invite(c, by, facts)?],
            AccountCommand::SetPassword(SetPassword { person_id: _, how, first }) => {
                // Whoever was shown the link may be another than whoever has come in.
                if *first && self.came_in {
                    return Err(AccountRule::InvitationGone);
                }
                vec![AccountEvent::PasswordSet { how: *how }]
            }
            AccountCommand::SignIn(SignIn { person_id: _, method, session_id, second_factor, new_device }) => {
                let (method, session_id) = (*method, *session_id);
                let (second_factor, new_device) = (*second_factor, *new_device);
                vec![AccountEvent::SignedIn { method, session_id, second_factor, new_device }]
            }
            AccountCommand::RecordFailedSignIn(RecordFailedSignIn { person_id: _, reason }) => {
                vec![AccountEvent::SignInFailed { reason: *reason }]
            }
            AccountCommand::RecordFailedSignIns(_) => vec![AccountEvent::SignInsFailed {}],
            AccountCommand::SignOut(SignOut { person_id, session_id }) => {
                Self::refuse_above(by, facts, *person_id)?;
                vec![AccountEvent::SignedOut { session_id: *session_id }]
            }
            AccountCommand::SignOutEverywhere(_) => vec![AccountEvent::SignedOutEverywhere {}],
            AccountCommand::CreateApiKey(c) => self.create_key(c, by, facts.person.epochs.access)?,
            AccountCommand::RevokeApiKey(RevokeApiKey { person_id, key_id }) => {
                Self::refuse_above(by, facts, *person_id)?;
                let known = self.keys.contains_key(key_id);
                known.then_some(AccountEvent::ApiKeyRevoked { key_id: *key_id }).into_iter().collect()
            }
            AccountCommand::LinkIdentity(LinkIdentity { person_id: _, issuer }) => {
                vec![AccountEvent::IdentityLinked { issuer: issuer.clone() }]
            }
            AccountCommand::UnlinkIdentity(UnlinkIdentity { person_id, issuer }) => {
                Self::refuse_above(by, facts, *person_id)?;
                vec![AccountEvent::IdentityUnlinked { issuer: issuer.clone() }]
            }
        })
    }

    /// Refuses an admin who would take an owner's ways in away, and other owners a first owner's; their own they end themselves.
    fn refuse_above(by: &By, facts: &AccountFacts, person: PersonId) -> Result<(), AccountRule> {
        if by.authority == Authority::Oneself {
            return Ok(());
        }
        facts.person.refuse_below_an_owner(by).map_err(|_| AccountRule::OwnersAccount)?;
        Self::refuse_to_others(by, facts, person)
    }

    /// Refuses everybody else in the site what is a first owner's, or theirs whom the configuration names.
    fn refuse_to_others(by: &By, facts: &AccountFacts, person: PersonId) -> Result<(), AccountRule> {
        facts.person.refuse_to_others(by, Some(person)).map_err(|_| AccountRule::OwnerIsBootstrapped)
    }

    fn invite(command: &IssueInvitation, by: &By, facts: &AccountFacts) -> Result<AccountEvent, AccountRule> {
        if !facts.person.active {
            return Err(AccountRule::AccountInactive);
        }
        facts.person.refuse_below_an_owner(by).map_err(|_| AccountRule::OwnersInvitation)?;
        // The installation mails links to their own address, and prints them to whoever has its database.
        if by.authority != Authority::System {
            Self::refuse_to_others(by, facts, command.person_id)?;
        }
        Ok(AccountEvent::InvitationIssued { purpose: command.purpose, by: by.actor.person() })
    }

    fn create_key(&self, command: &CreateApiKey, by: &By, epoch: i64) -> Result<Vec<AccountEvent>, AccountRule> {
        let CreateApiKey { person_id: _, key_id, name, scope, expires_at } = command;
        // Sent again under the same id, it is there already.
        if self.keys.contains_key(key_id) {
            return Ok(Vec::new());
        }
        if *expires_at <= by.at {
            return Err(AccountRule::ApiKeyExpired);
        }
        if *expires_at > by.at + TimeDelta::days(MAX_KEY_DAYS) {
            return Err(AccountRule::ApiKeyTooLong { days: MAX_KEY_DAYS });
        }
        if self.keys_at(by.at, epoch) >= MAX_KEYS {
            return Err(AccountRule::TooManyApiKeys { most: MAX_KEYS });
        }
        Ok(vec![AccountEvent::ApiKeyCreated {
            key_id: *key_id,
            name: name.reveal().into(),
            scope: scope.clone(),
            expires_at: *expires_at,
            epoch,
        }])
    }
}

impl Claims for Account {
    type Id = AccountId;

    /// Accounts claim nothing: what must be unique about them is in their tables.
    fn claims(&self, _: AccountId, _: &AccountEvent, _: &mut ClaimChanges) {}
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = Asked<AccountCommand, AccountFacts>;
    type Event = AccountEvent;
    type Error = AccountRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), AccountRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        self.apply_event(&event);
    }
}
