//! Rosters and registers over the small school of the plans: given streams, a file's rows, then what becomes of each.

mod attendance;
mod manual;
mod pieces;
mod roster;

use uuid::Uuid;

use super::{ImportRoster, ImportRule, ImportedRow, RosterRow, RowOutcome};
use crate::claim::{ClaimKey, ClaimKind, ClaimSet, Limit};
use crate::cohort::CohortEvent;
use crate::command::Command;
use crate::enrolment::EnrolmentEvent;
use crate::event::Event;
use crate::hub::HubEvent;
use crate::ids::{EnrolmentId, HubId, PersonId};
use crate::origin::Origin;
use crate::person::PersonEvent;
use crate::personal::Personal;
use crate::plan::Plan;
use crate::plan::given::*;
use crate::refusal::Refusal;
use crate::text::{Email, ExternalId, Name};

const NORTH: HubId = HubId(Uuid::from_u128(0x60));
const SOUTH: HubId = HubId(Uuid::from_u128(0x61));

/// The school with two hubs that a file can name, and people who are known.
fn school() -> School {
    let mut school = School::new();
    for (hub, name) in [(NORTH, "Northland"), (SOUTH, "Southland")] {
        school.founded(hub, name);
    }
    school
}

impl School {
    fn founded(&mut self, hub: HubId, name: &str) {
        self.happened(hub, [HubEvent::HubFounded { name: name.to_owned(), place: None }]);
        self.hold(ClaimKey::open_hub(hub), hub.0);
    }

    /// A person who was entered by hand.
    fn entered(&mut self, id: PersonId, name: &str, email: &str, external_id: Option<&str>) {
        let registered = PersonEvent::PersonRegistered {
            name: name.into(),
            email: email.into(),
            external_id: external_id.map(Into::into),
            origin: Origin::Hand,
        };
        self.happened(id, [registered]);
        self.hold(ClaimKey::email(email), id.0);
        if let Some(external_id) = external_id {
            self.hold(ClaimKey::external_id(external_id), id.0);
        }
    }

    /// Carries an import out with ids of its own.
    fn import(&mut self, first_id: u128, rows: Vec<RosterRow>) -> Plan {
        self.carry_out(roster(first_id, rows)).expect("the import is not refused")
    }
}

/// The command with the ids that the server makes; those of each import are others.
fn roster(first_id: u128, rows: Vec<RosterRow>) -> Command {
    let mut command = Command::from(ImportRoster { cohort_id: COHORT, rows });
    let mut next = first_id;
    command.fill_ids(|| {
        next += 1;
        Uuid::from_u128(next)
    });
    command
}

fn row(name: &str, email: &str) -> RosterRow {
    RosterRow {
        number: None,
        name: Some(Personal::new(Name::try_new(name).unwrap())),
        email: Some(Personal::new(Email::try_new(email).unwrap())),
        external_id: None,
        hub: None,
        new_ids: None,
    }
}

impl RosterRow {
    fn known_as(self, id: &str) -> Self {
        Self { external_id: Some(Personal::new(ExternalId::try_new(id).unwrap())), ..self }
    }

    fn at(self, hub: &str) -> Self {
        Self { hub: Some(Name::try_new(hub).unwrap()), ..self }
    }

    fn numbered(self, number: u32) -> Self {
        Self { number: Some(number), ..self }
    }
}

fn outcomes(plan: &Plan) -> Vec<RowOutcome> {
    plan.rows.iter().map(|row| row.outcome).collect()
}

fn codes(plan: &Plan) -> Vec<&str> {
    plan.rows.iter().map(|row| row.code.as_deref().unwrap_or_default()).collect()
}

fn types(plan: &Plan) -> Vec<&'static str> {
    plan.writes.iter().flat_map(|write| write.events.iter().map(Event::type_name)).collect()
}

fn only(plan: &Plan) -> &ImportedRow {
    assert_eq!(plan.rows.len(), 1);
    &plan.rows[0]
}
