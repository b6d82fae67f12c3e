//! A small school for the tests of plans: streams as their events made them and the claims that follow, asked through
//! `needs` as a store is. It checks nothing that a database must check.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use uuid::Uuid;

use super::{Plan, needs, plan};
use crate::actor::Actor;
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::cohort::{CohortEvent, ScheduledSession, Week, Zone};
use crate::command::Command;
use crate::enrolment::{
    AttendanceEvent, AttendanceStatus, Enrolment, EnrolmentEvent, MembershipEvent, ProgressionEvent,
};
use crate::event::Event;
use crate::hub::HubEvent;
use crate::ids::{CohortId, EnrolmentId, HubId, ModuleId, PersonId, StreamId};
use crate::origin::Origin;
use crate::person::{PersonEvent, Role};
use crate::personal::Personal;
use crate::refusal::{InvalidField, Refusal};
use crate::text::Text;
use crate::world::{AnyLoaded, Need, World};

pub(crate) const ADMIN: PersonId = PersonId(Uuid::from_u128(2));
pub(crate) const COHORT: CohortId = CohortId(Uuid::from_u128(10));
pub(crate) const OTHER_COHORT: CohortId = CohortId(Uuid::from_u128(11));
pub(crate) const HUB: HubId = HubId(Uuid::from_u128(30));
pub(crate) const OTHER_HUB: HubId = HubId(Uuid::from_u128(31));

/// Everything that happened so far.
#[derive(Clone, Default)]
pub(crate) struct School {
    streams: BTreeMap<StreamId, AnyLoaded>,
    claims: BTreeMap<ClaimKey, Uuid>,
}

impl School {
    /// An admin, two hubs, and two cohorts of eight weeks that have begun.
    pub(crate) fn new() -> Self {
        let mut school = Self::default();
        school.register(ADMIN, "Ada Admin");
        school.happened(ADMIN, [PersonEvent::RoleGranted { role: Role::Admin, bootstrapped: false }]);
        for hub in [HUB, OTHER_HUB] {
            school.happened(hub, [HubEvent::HubFounded { name: "St Mary's".to_owned(), place: None }]);
        }
        for cohort in [COHORT, OTHER_COHORT] {
            school.happened(cohort, [scheduled(), CohortEvent::CohortStarted {}]);
        }
        school
    }

    pub(crate) fn register(&mut self, person: PersonId, name: &str) {
        let email = format!("{person}@example.org").into();
        self.happened(
            person,
            [PersonEvent::PersonRegistered { name: name.into(), email, external_id: None, origin: Origin::Hand }],
        );
    }

    /// A person `Student <number>` in week 1 of the cohort; persons and enrolments are numbered alike.
    pub(crate) fn enrol(&mut self, number: u128, cohort_id: CohortId) -> EnrolmentId {
        let person_id = person(number);
        self.register(person_id, &format!("Student {number}"));
        let enrolled = EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
            cohort_id,
            person_id,
            hub_id: None,
            week: 1,
            moved_from: None,
            origin: Origin::Hand,
        });
        self.lived(enrolment(number), [enrolled]);
        enrolment(number)
    }

    /// What happened to a student, with the claims that follow.
    pub(crate) fn lived(&mut self, id: EnrolmentId, events: impl IntoIterator<Item = EnrolmentEvent>) {
        for event in events {
            let mut changes = ClaimChanges::default();
            self.student(id).claims(id, &event, &mut changes);
            self.claim(changes);
            self.happened(id, [event]);
        }
    }

    /// What happened to any stream.
    pub(crate) fn happened(&mut self, id: impl Into<StreamId>, events: impl IntoIterator<Item = impl Into<Event>>) {
        let id = id.into();
        let loaded = self.streams.entry(id).or_insert_with(|| AnyLoaded::empty(id.kind));
        for event in events {
            loaded.apply(&event.into(), loaded.version() + 1);
        }
    }

    pub(crate) fn student(&self, id: EnrolmentId) -> Enrolment {
        match self.streams.get(&id.into()) {
            Some(AnyLoaded::Enrolment(loaded)) => (*loaded.state).clone(),
            _ => Enrolment::default(),
        }
    }

    /// A claim that somebody holds.
    pub(crate) fn hold(&mut self, key: ClaimKey, owner: Uuid) {
        self.claims.insert(key, owner);
    }

    pub(crate) fn owner(&self, key: &ClaimKey) -> Option<Uuid> {
        self.claims.get(key).copied()
    }

    /// What an admin's command would do, long after the cohorts' last sessions.
    pub(crate) fn plan(&self, command: impl Into<Command>) -> Result<Plan, Refusal> {
        self.plan_by(ADMIN, command)
    }

    pub(crate) fn plan_by(&self, person: PersonId, command: impl Into<Command>) -> Result<Plan, Refusal> {
        self.plan_knowing([], person, command)
    }

    /// As `plan_by`, on a world that holds more than the command asks for.
    pub(crate) fn plan_knowing(
        &self,
        more: impl IntoIterator<Item = Need>,
        person: PersonId,
        command: impl Into<Command>,
    ) -> Result<Plan, Refusal> {
        let (command, actor) = (command.into(), Actor::Person(person));
        let mut world = World::default();
        for need in more {
            self.load(need, &mut world);
        }
        loop {
            let missing = needs(&command, actor, &world);
            if missing.is_empty() {
                return plan(&command, actor, at("2025-06-01T00:00:00Z"), &world);
            }
            for need in missing {
                self.load(need, &mut world);
            }
        }
    }

    /// Plans an admin's command and carries it out, releases before takes as the store does.
    pub(crate) fn carry_out(&mut self, command: impl Into<Command>) -> Result<Plan, Refusal> {
        self.carry_out_by(ADMIN, command)
    }

    pub(crate) fn carry_out_by(&mut self, person: PersonId, command: impl Into<Command>) -> Result<Plan, Refusal> {
        let plan = self.plan_by(person, command)?;
        for write in &plan.writes {
            self.happened(write.stream, write.events.clone());
        }
        self.claim(plan.claims.clone());
        Ok(plan)
    }

    fn claim(&mut self, changes: ClaimChanges) {
        for key in changes.releases {
            self.claims.remove(&key);
        }
        self.claims.extend(changes.takes);
    }

    fn load(&self, need: Need, world: &mut World) {
        let of = |set: &crate::claim::ClaimSet| {
            let mut owners: Vec<Uuid> = self
                .claims
                .iter()
                .filter(|(key, _)| key.kind == set.kind && key.key.starts_with(&set.prefix))
                .map(|(_, owner)| *owner)
                .collect();
            owners.sort();
            owners
        };
        match need {
            Need::Stream(id) => {
                let loaded = self.streams.get(&id).cloned().unwrap_or_else(|| AnyLoaded::empty(id.kind));
                world.put(id, loaded);
            }
            Need::Owner(key) => {
                let owner = self.owner(&key);
                world.put_owner(key, owner);
            }
            Need::Count(set) => {
                let count = of(&set).len().try_into().unwrap();
                world.put_count(set, count);
            }
            Need::Members(set) => {
                let owners = of(&set);
                world.put_members(set, owners);
            }
        }
    }
}

/// What a plan writes to a student's stream.
pub(crate) fn events(plan: &Plan, id: EnrolmentId) -> Vec<Event> {
    plan.writes.iter().filter(|write| write.stream == id.into()).flat_map(|write| write.events.clone()).collect()
}

/// Whether a plan was refused for these fields.
pub(crate) fn invalid(result: Result<Plan, Refusal>) -> Vec<String> {
    match result {
        Err(Refusal::Invalid(fields)) => fields.into_iter().map(|InvalidField { pointer, .. }| pointer).collect(),
        other => panic!("expected invalid fields, got {other:?}"),
    }
}

pub(crate) fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(1000 + number))
}

pub(crate) fn enrolment(number: u128) -> EnrolmentId {
    EnrolmentId(Uuid::from_u128(2000 + number))
}

pub(crate) fn marker(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(500 + number))
}

pub(crate) fn week(number: u8) -> Week {
    Week::try_new(number).unwrap()
}

pub(crate) fn text<const MAX: usize>(text: &str) -> Personal<Text<MAX>> {
    Personal::new(Text::try_new(text).unwrap())
}

pub(crate) fn at(instant: &str) -> DateTime<Utc> {
    instant.parse().unwrap()
}

pub(crate) fn in_week(week: u8) -> EnrolmentEvent {
    EnrolmentEvent::Progression(ProgressionEvent::WeekSet { from_week: 1, week, reason: "as it is".into() })
}

pub(crate) fn held(week: u8, reason: &str) -> EnrolmentEvent {
    EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week, reason: reason.into() })
}

pub(crate) fn advanced(from_week: u8, reason: Option<&str>) -> EnrolmentEvent {
    EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced {
        from_week,
        to_week: from_week + 1,
        reason: reason.map(Into::into),
    })
}

pub(crate) fn withdrawn() -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason: "moved away".into(), moved_to: None })
}

pub(crate) fn completed() -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {})
}

/// Absent in weeks 1, 3 and 6, and flagged.
pub(crate) fn flagged() -> Vec<EnrolmentEvent> {
    let missed_weeks = [1, 3, 6];
    let flag =
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: 1, missed_weeks: missed_weeks.into() });
    missed_weeks.map(|week| marked(week, AttendanceStatus::Absent)).into_iter().chain([flag]).collect()
}

pub(crate) fn marked(week: u8, status: AttendanceStatus) -> EnrolmentEvent {
    EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
        week,
        status,
        place: None,
        note: None,
        by: Some(ADMIN),
        authority: crate::Authority::Admin,
        hub_id: None,
    })
}

fn scheduled() -> CohortEvent {
    let starts_on = NaiveDate::from_ymd_opt(2025, 2, 4).unwrap();
    let session_start = NaiveTime::from_hms_opt(19, 0, 0).unwrap();
    let sessions = (1..=8)
        .map(|week| ScheduledSession {
            week,
            starts_at: Zone::UTC.session(starts_on, session_start, week),
            minutes: 120,
        })
        .collect();
    CohortEvent::CohortScheduled {
        module_id: ModuleId(Uuid::from_u128(40)),
        name: "Autumn".to_owned(),
        starts_on,
        session_start,
        session_minutes: 120,
        timezone: Zone::UTC,
        capacity: None,
        absence_threshold: 3,
        reflection_grace_days: 14,
        sessions,
    }
}
