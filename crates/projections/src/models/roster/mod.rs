//! The roster: a row for every enrolment there ever was, as its student stands now.

mod export;
mod queries;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::{
    AttendanceEvent, AttendanceStatus, EnrolmentEvent, EnrolmentStatus, MembershipEvent, Outcome, ProgressionEvent,
    ReflectionEvent, Venue,
};
use rollbook_domain::{Authority, CohortId, EnrolmentId, Event, HubId, PersonId, Personal, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ReadModel, SiteRows};

pub use export::{RosterLine, enrolments, lines};
pub(crate) use queries::{ITEM, NAME_OF};
pub use queries::{RosterFilter, RosterItem, list, list_as_of, seen};

/// The read model.
#[derive(Debug)]
pub struct Roster;

/// A student in a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// In which cohort.
    pub cohort_id: CohortId,
    /// Who.
    pub person_id: PersonId,
    /// Where they meet now; none is the flagship.
    pub hub_id: Option<HubId>,
    /// Where the enrolment stands.
    pub status: EnrolmentStatus,
    /// The week the student sees.
    pub week: u8,
    /// Whether they stay in that week.
    pub held: bool,
    /// Why.
    pub held_reason: Option<Personal<String>>,
    /// Whether they were at each session.
    pub attendance: BTreeMap<u8, AttendanceStatus>,
    /// Everything that was said in each record.
    pub attendance_records: BTreeMap<u8, AttendanceRecord>,
    /// How many sessions are marked absent.
    pub absences: u8,
    /// Whether the absence flag is open.
    pub flagged: bool,
    /// Who takes the reflections.
    pub marker_id: Option<PersonId>,
    /// How far each week's reflection is.
    pub reflections: BTreeMap<u8, ReflectionState>,
    /// The enrolment that they were moved from.
    pub moved_from: Option<EnrolmentId>,
    /// The enrolment that they were moved to.
    pub moved_to: Option<EnrolmentId>,
    /// When they were enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// The stream's version.
    pub version: i64,
}

/// The newest mark of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttendanceRecord {
    /// Whether they were there.
    pub status: AttendanceStatus,
    /// Where they took part.
    pub place: Option<Venue>,
    /// The hub that they were in then.
    pub hub_id: Option<HubId>,
    /// A remark.
    pub note: Option<Personal<String>>,
    /// Who said so; null is the system.
    pub by: Option<PersonId>,
    /// In what capacity.
    pub authority: Authority,
    /// When.
    pub marked_at: DateTime<Utc>,
}

/// How far a week's reflection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReflectionState {
    /// Waits for its marking.
    Submitted,
    /// Was good enough.
    Pass,
    /// Was not yet good enough.
    Fail,
}

impl From<Outcome> for ReflectionState {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Fail => Self::Fail,
        }
    }
}

impl ReadModel for Roster {
    const NAME: &'static str = "roster";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "roster";
    const KEY: &'static [&'static str] = &["enrolment_id"];
    const COLUMNS: &'static [&'static str] = &[
        "cohort_id",
        "person_id",
        "hub_id",
        "status",
        "week",
        "held",
        "held_reason",
        "attendance",
        "attendance_records",
        "absences",
        "flagged",
        "marker_id",
        "reflections",
        "moved_from",
        "moved_to",
        "enrolled_at",
        "version",
    ];
    const STREAMS: &'static [StreamType] = &[StreamType::Enrolment];

    type Key = EnrolmentId;
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<EnrolmentId> {
        let Event::Enrolment(_) = &event.event else { return Vec::new() };
        vec![EnrolmentId(event.stream.id)]
    }

    fn key(row: &Row) -> EnrolmentId {
        row.enrolment_id
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Enrolment(happened) = &event.event else { return };
        let enrolment_id = EnrolmentId(event.stream.id);
        if let EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
            cohort_id,
            person_id,
            hub_id,
            week,
            moved_from,
            origin: _,
        }) = happened
        {
            rows.put(Row {
                enrolment_id,
                cohort_id: *cohort_id,
                person_id: *person_id,
                hub_id: *hub_id,
                status: EnrolmentStatus::Active,
                week: *week,
                held: false,
                held_reason: None,
                attendance: BTreeMap::new(),
                attendance_records: BTreeMap::new(),
                absences: 0,
                flagged: false,
                marker_id: None,
                reflections: BTreeMap::new(),
                moved_from: *moved_from,
                moved_to: None,
                enrolled_at: event.recorded_at,
                version: event.sequence,
            });
        }
        rows.update(enrolment_id, |row| {
            row.version = event.sequence;
            change(row, happened, event.recorded_at);
        });
    }
}

fn change(row: &mut Row, event: &EnrolmentEvent, at: DateTime<Utc>) {
    match event {
        EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled { .. })
        | EnrolmentEvent::Reflections(ReflectionEvent::ReflectionVisibilitySet { .. }) => {}
        EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous: _, origin: _ }) => {
            row.hub_id = Some(*hub_id);
        }
        EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id: _ }) => row.hub_id = None,
        EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
            week,
            status,
            place,
            note,
            by,
            authority,
            hub_id,
        }) => {
            row.attendance.insert(*week, *status);
            let record = AttendanceRecord {
                status: *status,
                place: *place,
                hub_id: *hub_id,
                note: note.clone(),
                by: *by,
                authority: *authority,
                marked_at: at,
            };
            row.attendance_records.insert(*week, record);
            let absences = row.attendance.values().filter(|status| **status == AttendanceStatus::Absent).count();
            row.absences = u8::try_from(absences).unwrap_or(u8::MAX);
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: _, missed_weeks: _ }) => {
            row.flagged = true;
        }
        EnrolmentEvent::Attendance(
            AttendanceEvent::AbsenceFlagCleared { flag: _, missed_weeks: _ }
            | AttendanceEvent::AbsenceFlagResolved { flag: _, reason: _ },
        ) => row.flagged = false,
        EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced { from_week: _, to_week, reason: _ }) => {
            row.week = *to_week;
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week: _, reason }) => {
            row.held = true;
            row.held_reason = Some(reason.clone());
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentReleased { week: _, reason: _ }) => {
            row.held = false;
            row.held_reason = None;
        }
        EnrolmentEvent::Progression(ProgressionEvent::WeekSet { from_week: _, week, reason: _ }) => row.week = *week,
        EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason: _, moved_to }) => {
            row.status = EnrolmentStatus::Withdrawn;
            row.moved_to = *moved_to;
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from }) => {
            row.status = EnrolmentStatus::Active;
            row.moved_to = None;
            row.moved_from = moved_from.or(row.moved_from);
        }
        EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {}) => row.status = EnrolmentStatus::Completed,
        EnrolmentEvent::Reflections(
            ReflectionEvent::ReflectionSubmitted { week, text: _, visibility: _ }
            | ReflectionEvent::ReflectionRevised { week, text: _, visibility: _ },
        ) => {
            row.reflections.insert(*week, ReflectionState::Submitted);
        }
        EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id, previous: _ }) => {
            row.marker_id = Some(*marker_id);
        }
        EnrolmentEvent::Reflections(
            ReflectionEvent::ReflectionMarked { week, outcome, feedback: _, by: _ }
            | ReflectionEvent::MarkAmended { week, outcome, feedback: _, reason: _, by: _ },
        ) => {
            row.reflections.insert(*week, (*outcome).into());
        }
    }
}
