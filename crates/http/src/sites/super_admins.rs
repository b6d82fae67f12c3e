//! Who is a super admin: a person of the default site whom the configuration names and made an owner under that address, for as
//! long as all of that holds. It is looked at with every request, and nothing else of the default site can be reached through here.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rollbook_domain::person::Person;
use rollbook_domain::text::{Email, email_key};
use rollbook_domain::{PersonId, SiteId};
use rollbook_store::tokens::{Bearer, TokenKind};
use rollbook_store::{EventStore, StoreError};

/// The super admins of an installation. Cheap to clone.
#[derive(Clone)]
pub struct SuperAdmins(Arc<Shared>);

struct Shared {
    store: EventStore,
    /// In the form in which two are compared.
    addresses: BTreeSet<String>,
    /// Whether each must have a second factor.
    second_factor: bool,
}

impl std::fmt::Debug for SuperAdmins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SuperAdmins").field("configured", &self.0.addresses.len()).finish()
    }
}

impl SuperAdmins {
    /// Those with these addresses, and whether each must have a second factor; the store is the default site's.
    pub fn new(store: EventStore, addresses: &[Email], second_factor: bool) -> Self {
        let addresses = addresses.iter().map(|address| email_key(address.as_str())).collect();
        Self(Arc::new(Shared { store, addresses, second_factor }))
    }

    /// Whether a person of the default site is one.
    pub fn include(&self, person: &Person) -> bool {
        person.active
            && person.is_owner_by_address()
            && person.email.as_ref().is_some_and(|email| self.have(email.as_str()))
    }

    /// Whether an address is one of those that the configuration names, whoever has it.
    pub fn have(&self, address: &str) -> bool {
        self.0.addresses.contains(&email_key(address))
    }

    /// Whether each must have a second factor.
    pub fn must_have_second_factor(&self) -> bool {
        self.0.second_factor
    }

    /// The default site's store, for what is settled there about whoever comes in from it.
    pub fn store(&self) -> &EventStore {
        &self.0.store
    }

    /// A person of the default site as the log has them, if they are one.
    pub async fn known(&self, person: PersonId) -> Result<Option<Arc<Person>>, StoreError> {
        let known = self.0.store.person(SiteId::DEFAULT, person).await?.state;
        Ok(Some(known).filter(|known| self.include(known)))
    }

    /// Whom a token of the default site stands for, if that is a super admin.
    pub async fn bearer(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Bearer>, StoreError> {
        if self.0.addresses.is_empty() {
            return Ok(None);
        }
        let bearer = self.0.store.bearer(SiteId::DEFAULT, token, now).await?;
        // A program's key stays where it was made, and another system's word holds for one site.
        let in_person = |bearer: &Bearer| matches!(bearer.kind, TokenKind::Session | TokenKind::Issued);
        Ok(bearer.filter(|bearer| in_person(bearer) && self.include(&bearer.state)))
    }
}
