//! Who somebody is: their name, their address, their id in another system.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Person, PersonEvent, PersonFacts, PersonRule};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::claim::ClaimKey;
use crate::command::{StreamCommand, about, begins};
use crate::ids::PersonId;
use crate::origin::Origin;
use crate::personal::Personal;
use crate::refusal::Refusal;
use crate::text::{ExternalId, Name, NewEmail};
use crate::world::{Needs, World};

/// Makes a person known to the site. The email (in any case) and the external id must be nobody else's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterPerson {
    /// The id of the new person, chosen by the client; left out, the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<PersonId>,
    /// As they write it.
    pub name: Personal<Name>,
    /// Where they get mail.
    pub email: Personal<NewEmail>,
    /// Their id in another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Personal<ExternalId>>,
}

impl StreamCommand for RegisterPerson {
    begins!(Person, person_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.owner(ClaimKey::email(self.email.reveal().as_str()));
        if let Some(external_id) = &self.external_id {
            needs.owner(ClaimKey::external_id(external_id.reveal().as_str()));
        }
    }

    fn facts(&self, id: PersonId, _: &Person, world: &World) -> Result<PersonFacts, Refusal> {
        let key = self.external_id.as_ref().map(|id| ClaimKey::external_id(id.reveal().as_str()));
        let external_id_owner = key.and_then(|key| world.owner(&key)).map(PersonId::from);
        Ok(PersonFacts { email_owner: email_owner(&self.email, world), external_id_owner, ..PersonFacts::of(id) })
    }

    fn decide(&self, _: &Person, _: &DecisionContext, facts: &PersonFacts) -> Decision<Person> {
        self.register(Origin::Hand, facts)
    }
}

impl RegisterPerson {
    /// Makes a person known.
    pub(crate) fn register(&self, origin: Origin, facts: &PersonFacts) -> Decision<Person> {
        if facts.email_owner.is_some() {
            return Err(PersonRule::EmailTaken);
        }
        if facts.external_id_owner.is_some() {
            return Err(PersonRule::ExternalIdTaken);
        }
        Ok(vec![PersonEvent::PersonRegistered {
            name: self.name.reveal().into(),
            email: self.email.reveal().into(),
            external_id: self.external_id.as_ref().map(|id| id.reveal().into()),
            origin,
        }])
    }
}

/// Corrects a name or an address. One's own address is changed at `POST /v1/me/email`, with one's password.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectPerson {
    /// The id of the person.
    pub person_id: PersonId,
    /// The name from now on; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal<Name>>,
    /// The address from now on; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<NewEmail>>,
}

impl StreamCommand for CorrectPerson {
    about!(Person, person_id, Administer);

    fn check(&self) -> Result<(), Refusal> {
        let nothing = self.name.is_none() && self.email.is_none();
        if nothing { Err(Refusal::invalid("", "give a name or an email")) } else { Ok(()) }
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        if let Some(email) = &self.email {
            needs.owner(ClaimKey::email(email.reveal().as_str()));
        }
    }

    fn facts(&self, id: PersonId, _: &Person, world: &World) -> Result<PersonFacts, Refusal> {
        let email_owner = self.email.as_ref().and_then(|email| email_owner(email, world));
        Ok(PersonFacts { email_owner, ..PersonFacts::of(id) })
    }

    fn decide(&self, person: &Person, context: &DecisionContext, facts: &PersonFacts) -> Decision<Person> {
        let email = person.another_email(self.email.as_ref());
        if email.is_some() {
            refuse_own_address(context, facts)?;
        }
        let name = self.name.as_ref().map(|name| Personal::from(name.reveal()));
        person.correct(name.filter(|name| Some(name) != person.name.as_ref()), email, context, facts)
    }
}

/// Changes one's own address. No client sends it: that it is them is looked at before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmail {
    /// The id of the person.
    pub person_id: PersonId,
    /// The address from now on.
    pub email: Personal<NewEmail>,
}

impl StreamCommand for ChangeEmail {
    about!(Person, person_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.owner(ClaimKey::email(self.email.reveal().as_str()));
    }

    fn facts(&self, id: PersonId, _: &Person, world: &World) -> Result<PersonFacts, Refusal> {
        Ok(PersonFacts { email_owner: email_owner(&self.email, world), ..PersonFacts::of(id) })
    }

    fn decide(&self, person: &Person, context: &DecisionContext, facts: &PersonFacts) -> Decision<Person> {
        person.correct(None, person.another_email(Some(&self.email)), context, facts)
    }
}

/// Who has an address.
fn email_owner(email: &Personal<NewEmail>, world: &World) -> Option<PersonId> {
    world.owner(&ClaimKey::email(email.reveal().as_str())).map(PersonId::from)
}

impl Person {
    /// The address that a command gives, where it is another one.
    fn another_email(&self, email: Option<&Personal<NewEmail>>) -> Option<Personal<String>> {
        email.map(|email| Personal::from(email.reveal())).filter(|email| Some(email) != self.email.as_ref())
    }

    fn correct(
        &self,
        name: Option<Personal<String>>,
        email: Option<Personal<String>>,
        context: &DecisionContext,
        facts: &PersonFacts,
    ) -> Decision<Person> {
        if email.is_some() {
            // People sign in by their address: who changes an owner's becomes that owner.
            self.refuse_below_an_owner(context)?;
            self.refuse_to_others(context, facts.person_id)?;
            // Their own address in another case is theirs already.
            if facts.email_owner.is_some_and(|owner| Some(owner) != facts.person_id) {
                return Err(PersonRule::EmailTaken);
            }
        }
        let (changed, themselves) = (name.is_some() || email.is_some(), !context.is_not(facts.person_id));
        let email_before = self.email_before(email.as_ref());
        let corrected = PersonEvent::PersonCorrected { name, email, origin: Origin::Hand, themselves, email_before };
        Ok(changed.then_some(corrected).into_iter().collect())
    }

    /// The address that another one replaces.
    pub(super) fn email_before(&self, email: Option<&Personal<String>>) -> Option<Personal<String>> {
        email.and(self.email.clone())
    }
}

/// Refuses everybody another address of their own where they have not shown that it is them: whoever has found an open session would
/// have links to set a password by sent to an address of theirs.
pub(super) fn refuse_own_address(context: &DecisionContext, facts: &PersonFacts) -> Result<(), PersonRule> {
    if context.is_not(facts.person_id) { Ok(()) } else { Err(PersonRule::OwnAddress) }
}
