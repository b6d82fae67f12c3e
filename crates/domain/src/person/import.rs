//! What a file says about a person who is known: taken where nobody has said otherwise, and never against a rule.

use super::identity::refuse_own_address;
use super::{Person, PersonEvent, PersonFacts, PersonRule};
use crate::actor::DecisionContext;
use crate::origin::Origin;
use crate::personal::Personal;
use crate::text::email_key;

/// What a file says about a person; what it leaves out, it says nothing about.
#[derive(Clone, Debug, Default)]
pub(crate) struct RosterEntry {
    pub(crate) name: Option<Personal<String>>,
    pub(crate) email: Option<Personal<String>>,
    pub(crate) external_id: Option<Personal<String>>,
}

impl Person {
    /// The events that bring the person to what the file says, and the fields that stay because somebody entered them.
    pub(crate) fn follow_file(
        &self,
        file: RosterEntry,
        context: &DecisionContext,
        facts: &PersonFacts,
    ) -> Result<(Vec<PersonEvent>, Vec<&'static str>), PersonRule> {
        let mut kept = Vec::new();
        let mut follows = |differs: bool, origin: Origin, field: &'static str| {
            if differs && origin == Origin::Hand {
                kept.push(field);
            }
            differs && origin == Origin::File
        };
        let name = file.name.filter(|name| follows(Some(name) != self.name.as_ref(), self.name_origin, "name"));
        let known = self.email.as_ref().map(|email| email_key(email.as_str()));
        let email =
            file.email.filter(|email| follows(Some(email_key(email.as_str())) != known, self.email_origin, "email"));
        if email.is_some() {
            // Not by a file either: a link to set a password by goes there.
            refuse_own_address(context, facts)?;
            self.refuse_below_an_owner(context)?;
            self.refuse_to_others(context, facts.person_id)?;
            if facts.email_owner.is_some_and(|owner| Some(owner) != facts.person_id) {
                return Err(PersonRule::EmailTaken);
            }
        }
        let external_id = match (&self.external_id, file.external_id) {
            (Some(known), Some(given)) if *known != given => return Err(PersonRule::HasAnotherExternalId),
            (Some(_), _) | (None, None) => None,
            (None, Some(given)) => Some(PersonEvent::ExternalIdAssigned { external_id: given }),
        };
        let changed = name.is_some() || email.is_some();
        let (origin, email_before) = (Origin::File, self.email_before(email.as_ref()));
        let corrected = PersonEvent::PersonCorrected { name, email, origin, themselves: false, email_before };
        let corrected = changed.then_some(corrected);
        Ok((corrected.into_iter().chain(external_id).collect(), kept))
    }
}
