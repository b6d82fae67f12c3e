//! The rules of enrolment, one test each: given events, when a command, then events or the rule that refuses it.

mod attendance;
mod claims;
mod flags;
mod marking;
mod membership;
mod progression;
mod reflections;
mod texts;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use cqrs_es::Aggregate;
use cqrs_es::test::{AggregateResultValidator, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::{Actor, Authority, DecisionContext};
use crate::aggregate::AggregateCommand;
use crate::cohort::{Cohort, CohortEvent, ScheduledSession, Week, Zone};
use crate::hub::{Hub, HubEvent};
use crate::ids::{CohortId, EnrolmentId, HubId, ModuleId, PersonId};
use crate::origin::Origin;
use crate::person::{Person, PersonEvent};
use crate::personal::Personal;
use crate::text::Text;

const STUDENT: PersonId = PersonId(Uuid::from_u128(1));
const ADMIN: PersonId = PersonId(Uuid::from_u128(2));
const MARKER: PersonId = PersonId(Uuid::from_u128(3));
const OTHER_MARKER: PersonId = PersonId(Uuid::from_u128(4));
const COHORT: CohortId = CohortId(Uuid::from_u128(10));
const ENROLMENT: EnrolmentId = EnrolmentId(Uuid::from_u128(20));
const OTHER_ENROLMENT: EnrolmentId = EnrolmentId(Uuid::from_u128(21));
const HUB: HubId = HubId(Uuid::from_u128(30));
const OTHER_HUB: HubId = HubId(Uuid::from_u128(31));

/// What happened to the student before the command, and the world in which it comes.
struct Given {
    events: Vec<EnrolmentEvent>,
    facts: EnrolmentFacts,
    by: DecisionContext,
}

/// A student enrolled in week 1 of a cohort that has begun, and an admin who asks after its last session.
fn given(events: impl IntoIterator<Item = EnrolmentEvent>) -> Given {
    Given {
        events: [enrolled()].into_iter().chain(events).collect(),
        facts: EnrolmentFacts {
            cohort: Arc::new(cohort([])),
            person: Arc::new(person([])),
            ..EnrolmentFacts::default()
        },
        by: by(Authority::Admin),
    }
}

impl Given {
    /// Nobody was enrolled yet.
    fn newcomer() -> Self {
        Self { events: Vec::new(), ..given([]) }
    }

    /// More happened to the cohort.
    fn cohort(mut self, events: impl IntoIterator<Item = CohortEvent>) -> Self {
        let cohort = Arc::make_mut(&mut self.facts.cohort);
        events.into_iter().for_each(|event| cohort.apply(event));
        self
    }

    fn facts(mut self, change: impl FnOnce(&mut EnrolmentFacts)) -> Self {
        change(&mut self.facts);
        self
    }

    fn by(mut self, authority: Authority) -> Self {
        self.by = DecisionContext { at: self.by.at, ..by(authority) };
        self
    }

    fn person(mut self, person: PersonId) -> Self {
        self.by.actor = Actor::Person(person);
        self
    }

    fn at(mut self, instant: &str) -> Self {
        self.by.at = at(instant);
        self
    }

    fn when(self, command: EnrolmentCommand) -> AggregateResultValidator<Enrolment> {
        TestFramework::<Enrolment>::with(()).given(self.events).when(AggregateCommand {
            command,
            context: self.by,
            facts: self.facts,
        })
    }
}

/// Eight Tuesdays at 19:00 in Sydney, from 4 February to 25 March 2025; it has begun.
fn cohort(events: impl IntoIterator<Item = CohortEvent>) -> Cohort {
    let zone = Zone::try_from("Australia/Sydney".to_owned()).unwrap();
    let starts_on = NaiveDate::from_ymd_opt(2025, 2, 4).unwrap();
    let session_start = NaiveTime::from_hms_opt(19, 0, 0).unwrap();
    let session =
        |week| ScheduledSession { week, starts_at: zone.session(starts_on, session_start, week), minutes: 120 };
    let scheduled = CohortEvent::CohortScheduled {
        module_id: ModuleId(Uuid::from_u128(40)),
        name: "Autumn".to_owned(),
        starts_on,
        session_start,
        session_minutes: 120,
        timezone: zone,
        capacity: None,
        absence_threshold: 3,
        reflection_grace_days: 14,
        sessions: (1..=8).map(session).collect(),
    };
    let appointed = [MARKER, OTHER_MARKER].map(|person_id| CohortEvent::MarkerAppointed { person_id });
    let mut cohort = Cohort::default();
    let begun = [scheduled, CohortEvent::CohortStarted {}];
    begun.into_iter().chain(appointed).chain(events).for_each(|event| cohort.apply(event));
    cohort
}

fn person(events: impl IntoIterator<Item = PersonEvent>) -> Person {
    let registered = PersonEvent::PersonRegistered {
        name: "Anna Ho".into(),
        email: "anna@example.org".into(),
        external_id: None,
        origin: Origin::Hand,
    };
    let mut person = Person::default();
    [registered].into_iter().chain(events).for_each(|event| person.apply(event));
    person
}

fn hub(events: impl IntoIterator<Item = HubEvent>) -> Arc<Hub> {
    let mut hub = Hub::default();
    let founded = HubEvent::HubFounded { name: "St Mary's".to_owned(), place: None };
    [founded].into_iter().chain(events).for_each(|event| hub.apply(event));
    Arc::new(hub)
}

/// Each authority acts through a person of its own.
fn by(authority: Authority) -> DecisionContext {
    let person = match authority {
        Authority::System => None,
        Authority::SuperAdmin | Authority::Owner | Authority::Admin => Some(ADMIN),
        Authority::Instructor => Some(PersonId(Uuid::from_u128(5))),
        Authority::Coordinator => Some(PersonId(Uuid::from_u128(6))),
        Authority::Marker => Some(MARKER),
        Authority::Student | Authority::Oneself => Some(STUDENT),
    };
    DecisionContext { actor: person.map_or(Actor::System, Actor::Person), authority, at: at("2025-03-26T00:00:00Z") }
}

fn at(instant: &str) -> DateTime<Utc> {
    instant.parse().unwrap()
}

fn week(number: u8) -> Week {
    Week::try_new(number).unwrap()
}

fn text<const MAX: usize>(text: &str) -> Personal<Text<MAX>> {
    Personal::new(Text::try_new(text).unwrap())
}

fn enrolled() -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
        cohort_id: COHORT,
        person_id: STUDENT,
        hub_id: None,
        week: 1,
        moved_from: None,
        origin: Origin::Hand,
    })
}

fn withdrawn() -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason: "moved away".into(), moved_to: None })
}

fn completed() -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {})
}

fn in_week(week: u8) -> EnrolmentEvent {
    EnrolmentEvent::Progression(ProgressionEvent::WeekSet { from_week: 1, week, reason: "joined late".into() })
}

fn held(week: u8) -> EnrolmentEvent {
    EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week, reason: "ill".into() })
}

fn marked_by(authority: Authority, week: u8, status: AttendanceStatus) -> EnrolmentEvent {
    let by = by(authority).actor.person();
    EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
        week,
        status,
        place: None,
        note: None,
        by,
        authority,
        hub_id: None,
    })
}

fn marked(week: u8, status: AttendanceStatus) -> EnrolmentEvent {
    marked_by(Authority::Admin, week, status)
}

fn absent(week: u8) -> EnrolmentEvent {
    marked(week, AttendanceStatus::Absent)
}

fn raised(flag: u16, weeks: impl IntoIterator<Item = u8>) -> EnrolmentEvent {
    EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag, missed_weeks: weeks.into_iter().collect() })
}

fn cleared(flag: u16, weeks: impl IntoIterator<Item = u8>) -> EnrolmentEvent {
    EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagCleared { flag, missed_weeks: weeks.into_iter().collect() })
}

fn resolved(flag: u16) -> EnrolmentEvent {
    EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag, reason: "we had coffee".into() })
}

/// Absent in weeks 1, 3 and 6, and flagged.
fn flagged() -> Vec<EnrolmentEvent> {
    vec![absent(1), absent(3), absent(6), raised(1, [1, 3, 6])]
}

fn mark(number: u8, status: AttendanceStatus) -> EnrolmentCommand {
    EnrolmentCommand::MarkAttendance(MarkAttendance {
        enrolment_id: ENROLMENT,
        week: week(number),
        status,
        place: None,
        note: None,
    })
}
