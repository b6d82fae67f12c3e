//! Cohorts: runs of modules, with their sessions and with who teaches and marks.

mod queries;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use rollbook_domain::cohort::{CohortEvent, CohortStatus, SessionStatus, Zone};
use rollbook_domain::{CohortId, Event, ModuleId, PersonId, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{ReadModel, SiteRows};

pub use queries::{CohortFilter, CohortItem, InstructorItem, SessionItem, get, list, meeting_in};

/// The years of a session's instants: those that a cohort begins in or a session is moved to, what its last weeks come to, and
/// what either is elsewhere on the first day.
/// A row may be of a database that somebody else writes, and whoever calculates with it neither counts for ever nor leaves the
/// calendar.
const YEARS: RangeInclusive<i32> = 1969..=2202;

/// The read model.
#[derive(Debug)]
pub struct Cohorts;

/// A cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Which.
    pub cohort_id: CohortId,
    /// Of which module.
    pub module_id: ModuleId,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub status: CohortStatus,
    /// The local date of the first session.
    pub starts_on: NaiveDate,
    /// The local time at which sessions begin.
    pub session_start: NaiveTime,
    /// How long sessions are, in minutes.
    pub session_minutes: u16,
    /// Where its dates are computed.
    pub timezone: Zone,
    /// The most active students; none means unlimited.
    pub capacity: Option<u32>,
    /// How many absences raise the flag.
    pub absence_threshold: u8,
    /// How many days after the last session a reflection may still be handed in.
    pub reflection_grace_days: u16,
    /// Its sessions by week.
    pub sessions: BTreeMap<u8, Session>,
    /// Who may mark.
    pub markers: BTreeSet<PersonId>,
    /// Who teaches, and whether as the lead.
    pub instructors: BTreeMap<PersonId, bool>,
    /// The stream's version.
    pub version: i64,
}

/// A session, with what it was before it changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// When it begins.
    #[serde(deserialize_with = "within_years")]
    pub starts_at: DateTime<Utc>,
    /// How long it is, in minutes.
    pub minutes: u16,
    /// Whether it takes place as planned.
    pub status: SessionStatus,
    /// When it was to begin as the cohort was scheduled.
    #[serde(deserialize_with = "within_years")]
    pub planned_at: DateTime<Utc>,
    /// How often it was moved or cancelled.
    pub revision: u32,
    /// When it was planned, moved or cancelled, last.
    #[serde(deserialize_with = "within_years")]
    pub changed_at: DateTime<Utc>,
}

fn within_years<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let at = DateTime::<Utc>::deserialize(deserializer)?;
    if YEARS.contains(&at.year()) { Ok(at) } else { Err(D::Error::custom("an instant in a year of no session")) }
}

impl Session {
    /// What a change leaves, but for what it changes.
    fn changed(&mut self, status: SessionStatus, at: DateTime<Utc>) {
        self.status = status;
        self.revision += 1;
        self.changed_at = at;
    }
}

impl ReadModel for Cohorts {
    const NAME: &'static str = "cohorts";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "cohorts";
    const KEY: &'static [&'static str] = &["cohort_id"];
    const COLUMNS: &'static [&'static str] = &[
        "module_id",
        "name",
        "status",
        "starts_on",
        "session_start",
        "session_minutes",
        "timezone",
        "capacity",
        "absence_threshold",
        "reflection_grace_days",
        "sessions",
        "markers",
        "instructors",
        "version",
    ];
    const STREAMS: &'static [StreamType] = &[StreamType::Cohort];

    type Key = CohortId;
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<CohortId> {
        let Event::Cohort(_) = &event.event else { return Vec::new() };
        vec![CohortId(event.stream.id)]
    }

    fn key(row: &Row) -> CohortId {
        row.cohort_id
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Cohort(happened) = &event.event else { return };
        let cohort_id = CohortId(event.stream.id);
        if let Some(row) = scheduled(cohort_id, happened, event.recorded_at) {
            rows.put(row);
        }
        rows.update(cohort_id, |row| {
            row.version = event.sequence;
            change(row, happened, event.recorded_at);
        });
    }
}

/// The row that a cohort begins with.
fn scheduled(cohort_id: CohortId, event: &CohortEvent, at: DateTime<Utc>) -> Option<Row> {
    let CohortEvent::CohortScheduled {
        module_id,
        name,
        starts_on,
        session_start,
        session_minutes,
        timezone,
        capacity,
        absence_threshold,
        reflection_grace_days,
        sessions,
    } = event
    else {
        return None;
    };
    let session = |starts_at, minutes| Session {
        starts_at,
        minutes,
        status: SessionStatus::Scheduled,
        planned_at: starts_at,
        revision: 0,
        changed_at: at,
    };
    Some(Row {
        cohort_id,
        module_id: *module_id,
        name: name.clone(),
        status: CohortStatus::Upcoming,
        starts_on: *starts_on,
        session_start: *session_start,
        session_minutes: *session_minutes,
        timezone: *timezone,
        capacity: *capacity,
        absence_threshold: *absence_threshold,
        reflection_grace_days: *reflection_grace_days,
        sessions: sessions.iter().map(|s| (s.week, session(s.starts_at, s.minutes))).collect(),
        markers: BTreeSet::new(),
        instructors: BTreeMap::new(),
        version: 0,
    })
}

fn change(row: &mut Row, event: &CohortEvent, at: DateTime<Utc>) {
    match event {
        CohortEvent::CohortScheduled { .. } => {}
        CohortEvent::CohortRenamed { name } => row.name.clone_from(name),
        CohortEvent::SessionRescheduled { week, starts_at, minutes, reason: _ } => {
            if let Some(session) = row.sessions.get_mut(week) {
                (session.starts_at, session.minutes) = (*starts_at, *minutes);
                session.changed(SessionStatus::Rescheduled, at);
            }
        }
        CohortEvent::SessionCancelled { week, reason: _ } => {
            if let Some(session) = row.sessions.get_mut(week) {
                session.changed(SessionStatus::Cancelled, at);
            }
        }
        CohortEvent::CapacitySet { capacity } => row.capacity = *capacity,
        CohortEvent::CohortStarted {} => row.status = CohortStatus::Active,
        CohortEvent::CohortCompleted {} => row.status = CohortStatus::Completed,
        CohortEvent::CohortCancelled { reason: _ } => {
            row.status = CohortStatus::Cancelled;
            // What was to come does not; what was, was.
            let to_come =
                row.sessions.values_mut().filter(|s| s.starts_at > at && s.status != SessionStatus::Cancelled);
            to_come.for_each(|session| session.changed(SessionStatus::Cancelled, at));
        }
        CohortEvent::CohortArchived {} => row.status = CohortStatus::Archived,
        CohortEvent::MarkerAppointed { person_id } => {
            row.markers.insert(*person_id);
        }
        CohortEvent::MarkerDismissed { person_id } => {
            row.markers.remove(person_id);
        }
        CohortEvent::InstructorAppointed { person_id, lead } => {
            row.instructors.insert(*person_id, *lead);
        }
        CohortEvent::InstructorDismissed { person_id } => {
            row.instructors.remove(person_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instant_of_a_session_is_in_the_years_that_one_is_planned_in() {
        let read = |at: &str| {
            let session = json!({"starts_at": at, "minutes": 90, "status": "scheduled", "planned_at": at, "revision": 0,
                "changed_at": at});
            serde_json::from_value::<Session>(session).is_ok()
        };
        for taken in ["1969-12-31T10:00:00Z", "2026-02-10T08:00:00Z", "2201-12-29T08:00:00Z"] {
            assert!(read(taken), "{taken}");
        }
        for refused in
            ["1968-12-31T23:59:59Z", "-1000-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "+262142-12-31T00:00:00Z"]
        {
            assert!(!read(refused), "{refused}");
        }
    }
}
