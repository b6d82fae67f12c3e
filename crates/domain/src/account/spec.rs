//! What commands about an account have in common.

use super::{Account, AccountFacts};
use crate::aggregate::AggregateSpec;
use crate::ids::{AccountId, PersonId};
use crate::plan::Subject;
use crate::refusal::Refusal;
use crate::world::{Loaded, Needs, World};

/// Accounts claim nothing: what must be unique about them is in their tables.
impl AggregateSpec for Account {
    /// Everybody who is known has one, before anything is in it.
    fn exists(_: AccountId, _: &Loaded<Self>) -> bool {
        true
    }

    fn needs(id: AccountId, needs: &mut Needs<'_>) {
        needs.stream(id.into());
        needs.stream(PersonId::from(id).into());
    }

    fn facts(id: AccountId, _: &Self, world: &World) -> Result<AccountFacts, Refusal> {
        Ok(AccountFacts { person: world.existing(PersonId::from(id))?.state })
    }

    fn subject(id: AccountId, _: &World) -> Subject {
        Subject::Account(id.into())
    }
}
