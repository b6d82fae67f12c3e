//! Who and what there is in the demo, and what the receipts so far say about each student.

use std::collections::BTreeMap;

use rollbook_domain::enrolment::Outcome;
use rollbook_domain::{CohortId, EnrolmentId, HubId, ModuleId, PersonId};
use rollbook_store::{Receipt, ReceiptEvent};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::fixture::{Fixture, PersonOf};
use super::ids;
use crate::failure::{Done, Failure};

/// Everybody and everything, by id.
#[derive(Clone, Debug)]
pub struct Cast {
    pub module: ModuleId,
    pub cohort: CohortId,
    pub next_cohort: CohortId,
    pub owner: PersonId,
    pub admin: PersonId,
    pub instructor: PersonId,
    pub markers: Vec<PersonId>,
    pub hubs: Vec<Hub>,
    pub students: Vec<Student>,
}

/// A hub, and who looks after it.
#[derive(Clone, Debug)]
pub struct Hub {
    pub id: HubId,
    pub name: String,
    pub coordinator: PersonId,
}

/// A student as the receipts say.
#[derive(Clone, Debug)]
pub struct Student {
    /// Their place on the roster: what varies from one to the next is computed from it.
    pub number: usize,
    pub name: String,
    pub address: String,
    pub person: PersonId,
    pub enrolment: EnrolmentId,
    /// None is the flagship.
    pub hub: Option<HubId>,
    pub week: u8,
    pub active: bool,
    pub marker: Option<PersonId>,
    /// What was handed in by week, and how it was marked.
    pub reflections: BTreeMap<u8, Option<Outcome>>,
}

impl Cast {
    /// The cast before anything has happened.
    pub fn of(fixture: &Fixture) -> Self {
        let person = |person: &PersonOf| person_id(person.email.as_str());
        let hub_id = |name: &str| ids::of("hub", name);
        let hubs = fixture.hubs.iter().map(|hub| Hub {
            id: hub_id(hub.name.as_str()),
            name: hub.name.as_str().to_owned(),
            coordinator: person(&hub.coordinator),
        });
        let students = fixture.roster.iter().enumerate().map(|(number, line)| {
            let address = line.email.as_str();
            Student {
                number,
                name: line.name.as_str().to_owned(),
                address: address.to_owned(),
                person: person_id(address),
                enrolment: ids::of("enrolment", address),
                hub: line.hub.as_deref().map(hub_id),
                week: 1,
                active: true,
                marker: None,
                reflections: BTreeMap::new(),
            }
        });
        Self {
            module: ids::of("module", fixture.module.code.as_str()),
            cohort: ids::of("cohort", "this run"),
            next_cohort: ids::of("cohort", "next run"),
            owner: person(&fixture.staff.owner),
            admin: person(&fixture.staff.admin),
            instructor: person(&fixture.staff.instructor),
            markers: fixture.staff.markers.iter().map(person).collect(),
            hubs: hubs.collect(),
            students: students.collect(),
        }
    }

    /// The student with this address.
    pub fn student(&self, address: &str) -> Done<&Student> {
        let found = self.students.iter().find(|student| student.address == address);
        found.ok_or_else(|| Failure::new(format!("fixtures/demo.toml names {address}, who is not on the roster")))
    }

    /// The hub with this id.
    pub fn hub(&self, id: HubId) -> Option<&Hub> {
        self.hubs.iter().find(|hub| hub.id == id)
    }

    /// Takes over what receipts say has happened to the students.
    pub fn follow<'r>(&mut self, receipts: impl IntoIterator<Item = &'r Receipt>) -> Done {
        for event in receipts.into_iter().flat_map(|receipt| &receipt.events) {
            if let Some(student) = self.students.iter_mut().find(|student| student.enrolment.0 == event.stream) {
                student.follow(event)?;
            }
        }
        Ok(())
    }
}

impl Student {
    fn follow(&mut self, event: &ReceiptEvent) -> Done {
        let data = &event.data;
        match event.event_type.as_str() {
            "HubJoined" => self.hub = Some(field::<Uuid>(data, "hub_id")?.into()),
            "HubLeft" => self.hub = None,
            "StudentAdvanced" => self.week = field(data, "to_week")?,
            "WeekSet" => self.week = field(data, "week")?,
            "StudentWithdrawn" => self.active = false,
            "MarkerAssigned" => self.marker = Some(field::<Uuid>(data, "marker_id")?.into()),
            "ReflectionSubmitted" | "ReflectionRevised" => {
                self.reflections.insert(field(data, "week")?, None);
            }
            "ReflectionMarked" | "MarkAmended" => {
                self.reflections.insert(field(data, "week")?, Some(field(data, "outcome")?));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The person with this address.
pub fn person_id(address: &str) -> PersonId {
    ids::of("person", address)
}

fn field<T: for<'de> Deserialize<'de>>(data: &Value, name: &str) -> Done<T> {
    Ok(T::deserialize(data.get(name).unwrap_or(&Value::Null))?)
}
