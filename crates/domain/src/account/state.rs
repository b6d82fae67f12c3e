//! What an account's stream adds up to. Applying never fails and never decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::AccountEvent;
use crate::person::Person;

/// An account as its events made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The keys that were made and not ended, also those that have run out.
    pub keys: BTreeMap<Uuid, Key>,
    /// The systems that vouch for the person.
    pub issuers: BTreeSet<String>,
}

/// A key as the account knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Until when it acts.
    pub expires_at: DateTime<Utc>,
}

impl Account {
    /// How many keys act at an instant.
    pub fn keys_at(&self, at: DateTime<Utc>) -> usize {
        self.keys.values().filter(|key| key.expires_at > at).count()
    }

    pub(super) fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::ApiKeyCreated { key_id, name: _, scope: _, expires_at } => {
                self.keys.insert(*key_id, Key { expires_at: *expires_at });
            }
            AccountEvent::ApiKeyRevoked { key_id } => {
                self.keys.remove(key_id);
            }
            AccountEvent::IdentityLinked { issuer } => {
                self.issuers.insert(issuer.clone());
            }
            AccountEvent::InvitationIssued { .. }
            | AccountEvent::PasswordSet { .. }
            | AccountEvent::SignedIn { .. }
            | AccountEvent::SignInFailed { .. }
            | AccountEvent::SignedOut { .. }
            | AccountEvent::SignedOutEverywhere {} => {}
        }
    }
}

/// What an account needs to know from other streams.
#[derive(Clone, Debug, Default)]
pub struct AccountFacts {
    /// Whose it is.
    pub person: Arc<Person>,
}
