//! The commands about an account: of somebody who is known, decided with what the person is.

use super::Planner;
use crate::account::{AccountCommand, AccountFacts};
use crate::ids::AccountId;
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn account(&mut self, command: &AccountCommand) -> Result<(), Refusal> {
        let person = command.person();
        let facts = AccountFacts { person: Self::existing(person, self.world.person(person))?.state };
        let id = AccountId::from(person);
        let before = self.world.account(id);
        let events = before.state.decide(command, &self.by, &facts)?;
        self.write(id, &before, events);
        Ok(())
    }
}
