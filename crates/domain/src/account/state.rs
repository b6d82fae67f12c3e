//! What an account's stream adds up to. Applying never fails and never decides.

use std::collections::BTreeMap;
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
    /// Whether the person has ever come in, by whatever it was, or could: from then on nobody else is shown a link for them.
    pub came_in: bool,
}

/// A key as the account knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Until when it acts.
    pub expires_at: DateTime<Utc>,
    /// The epoch of the person's access that it is good in.
    pub epoch: i64,
}

impl Account {
    /// How many keys act at an instant, in an epoch of the person's access.
    pub fn keys_at(&self, at: DateTime<Utc>, epoch: i64) -> usize {
        self.keys.values().filter(|key| key.expires_at > at && key.epoch == epoch).count()
    }

    pub(crate) fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::ApiKeyCreated { key_id, name: _, scope: _, expires_at, epoch } => {
                self.keys.insert(*key_id, Key { expires_at: *expires_at, epoch: *epoch });
            }
            AccountEvent::ApiKeyRevoked { key_id } => {
                self.keys.remove(key_id);
            }
            // Keys end with the password, and where their person signs out everywhere.
            AccountEvent::PasswordSet { .. } => {
                self.keys.clear();
                self.came_in = true;
            }
            AccountEvent::SignedOutEverywhere {} => self.keys.clear(),
            AccountEvent::IdentityLinked { .. } | AccountEvent::SignedIn { .. } => self.came_in = true,
            AccountEvent::InvitationIssued { .. }
            | AccountEvent::IdentityUnlinked { .. }
            | AccountEvent::SignInFailed { .. }
            | AccountEvent::SignInsFailed {}
            | AccountEvent::SignedOut { .. } => {}
        }
    }
}

/// What an account needs to know from other streams.
#[derive(Clone, Debug, Default)]
pub struct AccountFacts {
    /// Whose it is.
    pub person: Arc<Person>,
}
