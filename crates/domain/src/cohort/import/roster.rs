//! `ImportRoster`: row by row, as if each were commands of its own, on facts that the rows before it have changed.

use std::collections::HashMap;
use std::sync::Arc;

use cqrs_es::Aggregate;
use uuid::Uuid;

use super::find::{self, Hubs};
use super::needs;
use super::outcome::Wrong;
use super::{ImportRoster, ImportRule, ImportedRow, MAX_ROWS, Part, RosterRow, RowOutcome};
use crate::claim::{ClaimKey, ClaimSet, Limit};
use crate::cohort::Cohort;
use crate::command::CommandSpec;
use crate::command::spec::filled_in;
use crate::enrolment::{EnrolStudent, Enrolment, EnrolmentEvent, EnrolmentFacts, EnrolmentRule, EnrolmentStatus};
use crate::ids::{EnrolmentId, HubId, PersonId, StreamId};
use crate::origin::Origin;
use crate::person::{Person, PersonEvent, PersonFacts, RegisterPerson, RosterEntry};
use crate::personal::Personal;
use crate::plan::Planner;
use crate::policy::Right;
use crate::refusal::Refusal;
use crate::text::{Email, NewEmail, email_key};
use crate::world::{Loaded, Needs};

/// What the rows so far have come to.
struct Import<'w> {
    command: &'w ImportRoster,
    hubs: Hubs<'w>,
    facts: EnrolmentFacts,
    enrolled: bool,
    emails: HashMap<String, u32>,
    external_ids: HashMap<&'w str, u32>,
    people: HashMap<PersonId, u32>,
}

impl CommandSpec for ImportRoster {
    fn right(&self) -> Right {
        Right::ImportRoster
    }

    fn stream(&self) -> Option<StreamId> {
        Some(self.cohort_id.into())
    }

    fn fill_ids(&mut self, new_id: &mut dyn FnMut() -> Uuid) {
        for row in &mut self.rows {
            row.new_ids = Some((new_id().into(), new_id().into()));
        }
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs::roster(self, needs);
    }

    fn plan(&self, planner: &mut Planner<'_>) -> Result<(), Refusal> {
        planner.import_roster(self)
    }
}

impl Planner<'_> {
    fn import_roster(&mut self, command: &ImportRoster) -> Result<(), Refusal> {
        let cohort = self.world.existing::<Cohort>(command.cohort_id)?;
        if command.rows.len() > MAX_ROWS {
            let detail = format!("must have at most {MAX_ROWS} rows; this has {}", command.rows.len());
            return Err(Refusal::invalid("/rows", detail));
        }
        let places = ClaimSet::places(command.cohort_id);
        let mut import = Import {
            command,
            hubs: Hubs::of(command, self.world),
            facts: EnrolmentFacts {
                cohort_id: Some(command.cohort_id),
                cohort: cohort.state,
                places_taken: self.world.count(&places),
                ..EnrolmentFacts::default()
            },
            enrolled: false,
            emails: HashMap::new(),
            external_ids: HashMap::new(),
            people: HashMap::new(),
        };
        for (nth, (place, row)) in (1..).zip(&command.rows).enumerate() {
            // The edge fills the ids in before anything is planned.
            let ids = filled_in(row.new_ids, "/rows")?;
            let number = row.number.unwrap_or(place);
            let written = self.plan.writes.len();
            let told = self.import_row(&mut import, row, number, ids).unwrap_or_else(|wrong| wrong.told(number));
            self.plan.rows.push(told);
            let events: usize = self.plan.writes[written..].iter().map(|write| write.events.len()).sum();
            if events > 0 {
                self.plan.parts.push(Part { events, rows: vec![(nth, nth)] });
            }
        }
        // One limit for all of them: of two who want the last place at once, one is decided again and finds none.
        if let Some(at_most) = import.facts.cohort.capacity.filter(|_| import.enrolled) {
            self.plan.limits.push(Limit::at_most(places, at_most));
        }
        Ok(())
    }

    /// Decides a row as a whole before anything of it is written.
    fn import_row<'w>(
        &mut self,
        import: &mut Import<'w>,
        row: &'w RosterRow,
        number: u32,
        ids: (PersonId, EnrolmentId),
    ) -> Result<ImportedRow, Wrong> {
        import.once(row, number)?;
        let hub = row.hub.as_ref().map(|hub| import.hubs.named(hub)).transpose();
        let hub = hub.map_err(|rule| Wrong::at("hub", rule))?;
        let Some(id) = find::person(row.external_id.as_ref(), row.email.as_ref(), self.world) else {
            return self.import_newcomer(import, row, number, (ids, hub));
        };
        if let Some(first) = import.people.insert(id, number) {
            return Err(Wrong::row(ImportRule::DuplicateRow { first }));
        }
        let person = self.world.person(id);
        if !person.state.active {
            return Err(Wrong::row(EnrolmentRule::PersonInactive));
        }
        let (corrected, kept) = self.follow(row, id, &person.state)?;
        let mut told = ImportedRow {
            kept: kept.into_iter().map(str::to_owned).collect(),
            person_id: Some(id),
            ..ImportedRow::new(number, RowOutcome::Unchanged)
        };
        match find::enrolment(import.command.cohort_id, id, self.world) {
            None => {
                let enrolment = ids.1;
                let active = self.world.owner(&ClaimKey::active_enrolment(id)).map(EnrolmentId::from);
                let begun = self.begin_from_file(import, (id, Arc::clone(&person.state), active), (enrolment, hub))?;
                self.write(id, &person, corrected);
                self.write(enrolment, &Loaded::<Enrolment>::default(), begun);
                told.enrolment_id = Some(enrolment);
                told.outcome = RowOutcome::Known;
            }
            Some(enrolment) => {
                let before = self.world.enrolment(enrolment);
                let joined = hub_of(&before.state, hub, &mut told);
                if !corrected.is_empty() || !joined.is_empty() {
                    told.outcome = RowOutcome::Updated;
                }
                self.write(id, &person, corrected);
                self.write(enrolment, &before, joined);
                told.enrolment_id = Some(enrolment);
            }
        }
        Ok(told)
    }

    /// What the file says about a person who is known.
    fn follow(
        &self,
        row: &RosterRow,
        id: PersonId,
        person: &Person,
    ) -> Result<(Vec<PersonEvent>, Vec<&'static str>), Wrong> {
        let owner = row.email.as_ref().and_then(|email| self.world.owner(&ClaimKey::email(email.reveal().as_str())));
        let facts = PersonFacts { email_owner: owner.map(PersonId::from), ..PersonFacts::of(id) };
        let file = RosterEntry {
            name: row.name.as_ref().map(|name| name.reveal().into()),
            email: row.email.as_ref().map(|email| email.reveal().into()),
            external_id: row.external_id.as_ref().map(|id| id.reveal().into()),
        };
        let followed = person.follow_file(file, &self.context, &facts).map_err(|rule| Wrong::at("email", rule))?;
        let is_new = |event: &PersonEvent| matches!(event, PersonEvent::PersonCorrected { email: Some(_), .. });
        if let Some(email) = row.email.as_ref().filter(|_| followed.0.iter().any(is_new)) {
            given(email)?;
        }
        Ok(followed)
    }

    fn import_newcomer(
        &mut self,
        import: &mut Import<'_>,
        row: &RosterRow,
        number: u32,
        ((id, enrolment), hub): ((PersonId, EnrolmentId), Option<HubId>),
    ) -> Result<ImportedRow, Wrong> {
        let name = row.name.clone().ok_or_else(|| Wrong::at("name", ImportRule::Missing))?;
        let email = row.email.as_ref().ok_or_else(|| Wrong::at("email", ImportRule::Missing))?;
        let email = Personal::new(given(email)?);
        let register = RegisterPerson { person_id: Some(id), name, email, external_id: row.external_id.clone() };
        let registered =
            register.register(Origin::File, &PersonFacts::default()).map_err(|rule| Wrong::at("email", rule))?;
        let mut person = Person::default();
        for event in &registered {
            person.apply(event.clone());
        }
        let begun = self.begin_from_file(import, (id, Arc::new(person), None), (enrolment, hub))?;
        self.write(id, &Loaded::<Person>::default(), registered);
        self.write(enrolment, &Loaded::<Enrolment>::default(), begun);
        Ok(ImportedRow {
            person_id: Some(id),
            enrolment_id: Some(enrolment),
            ..ImportedRow::new(number, RowOutcome::New)
        })
    }

    /// Enrols a person who is not in the cohort yet, but perhaps in another.
    fn begin_from_file(
        &self,
        import: &mut Import<'_>,
        (person_id, person, active_enrolment): (PersonId, Arc<Person>, Option<EnrolmentId>),
        (enrolment, hub): (EnrolmentId, Option<HubId>),
    ) -> Result<Vec<EnrolmentEvent>, Wrong> {
        let enrol =
            EnrolStudent { enrolment_id: Some(enrolment), cohort_id: import.command.cohort_id, person_id, hub_id: hub };
        import.facts.person = person;
        import.facts.hub = hub.map(|hub| self.world.hub(hub).state);
        import.facts.active_enrolment = active_enrolment;
        let begun = Enrolment::enrol(&enrol, None, Origin::File, &import.facts).map_err(Wrong::row)?;
        import.facts.places_taken += 1;
        import.enrolled = true;
        Ok(begun)
    }
}

impl<'w> Import<'w> {
    /// Refuses a second row with the same address or external id.
    fn once(&mut self, row: &'w RosterRow, number: u32) -> Result<(), Wrong> {
        let email = row.email.as_ref().map(|email| email_key(email.reveal().as_str()));
        let external_id = row.external_id.as_ref().map(|id| id.reveal().as_str());
        if email.is_none() && external_id.is_none() {
            return Err(Wrong::row(ImportRule::Nobody));
        }
        let by_email = email.as_ref().and_then(|email| self.emails.get(email).copied());
        let by_id = external_id.and_then(|id| self.external_ids.get(id).copied());
        if let Some(email) = email {
            self.emails.entry(email).or_insert(number);
        }
        if let Some(id) = external_id {
            self.external_ids.entry(id).or_insert(number);
        }
        match (by_email, by_id) {
            (Some(first), _) => Err(Wrong::at("email", ImportRule::DuplicateRow { first })),
            (None, Some(first)) => Err(Wrong::at("external_id", ImportRule::DuplicateRow { first })),
            (None, None) => Ok(()),
        }
    }
}

/// An address that somebody is to have from now on. Whoever has one already is known by whatever it is.
fn given(email: &Personal<Email>) -> Result<NewEmail, Wrong> {
    let refused = |error| Wrong::at("email", ImportRule::EmailRefused(error));
    NewEmail::try_from(email.reveal().clone()).map_err(refused)
}

/// What the file says about the hub of somebody who is enrolled; who has left meets nowhere.
fn hub_of(before: &Enrolment, hub: Option<HubId>, told: &mut ImportedRow) -> Vec<EnrolmentEvent> {
    let rule = match before.status {
        EnrolmentStatus::Active => {
            return match hub.map(|hub| before.hub_from_file(hub)) {
                Some(Some(joined)) => joined,
                Some(None) => {
                    told.kept.push("hub".to_owned());
                    Vec::new()
                }
                None => Vec::new(),
            };
        }
        EnrolmentStatus::Withdrawn => ImportRule::StaysWithdrawn,
        EnrolmentStatus::Completed => ImportRule::StaysCompleted,
    };
    *told = told.clone().because(&rule.into());
    Vec::new()
}
