//! What an enrolment's stream adds up to. Applying never fails and never decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::{
    AttendanceEvent, AttendanceStatus, EnrolmentEvent, MembershipEvent, Outcome, ProgressionEvent, ReflectionEvent,
    Venue, Visibility,
};
use crate::actor::Authority;
use crate::cohort::Cohort;
use crate::hub::Hub;
use crate::ids::{CohortId, EnrolmentId, HubId, PersonId};
use crate::origin::Origin;
use crate::person::Person;
use crate::personal::Personal;

/// Where an enrolment stands.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EnrolmentStatus {
    /// Takes part, and takes a place.
    #[default]
    Active,
    /// Left.
    Withdrawn,
    /// The run ended.
    Completed,
}

/// The newest mark of a week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttendanceRecord {
    /// Whether they were there.
    pub status: AttendanceStatus,
    /// Where.
    pub place: Option<Venue>,
    /// A remark.
    pub note: Option<Personal<String>>,
    /// Who said so; none is the system.
    pub by: Option<PersonId>,
    /// In what capacity.
    pub authority: Authority,
}

/// The state of the absence flag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceFlag {
    /// How many flags were ever raised: the number of the newest.
    pub number: u16,
    /// Whether it is open.
    pub open: bool,
    /// The weeks that were missed when the newest flag was resolved and that are still marked absent: they were talked
    /// about, and do not raise a flag again by themselves.
    pub talked_about: BTreeSet<u8>,
}

/// A reflection of one week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reflection {
    /// What they wrote last.
    pub text: Personal<String>,
    /// Who may read it.
    pub visibility: Visibility,
    /// How it was marked; none while it waits, also after a revision.
    pub mark: Option<Mark>,
    /// How often it was handed in.
    pub submissions: u16,
}

/// How a reflection was marked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Pass or fail.
    pub outcome: Outcome,
    /// The written comment.
    pub feedback: Personal<String>,
    /// By whom; none is the system.
    pub by: Option<PersonId>,
}

/// A student in a cohort as their events made it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Enrolment {
    /// In which cohort; none while they were never enrolled.
    pub cohort_id: Option<CohortId>,
    /// Who.
    pub person_id: Option<PersonId>,
    /// Where they meet; none is the flagship.
    pub hub_id: Option<HubId>,
    /// Whether somebody said where they meet, or that they meet nowhere: then no file changes it.
    pub hub_by_hand: bool,
    /// Where it stands.
    pub status: EnrolmentStatus,
    /// The week the student sees.
    pub week: u8,
    /// Why the student stays in their week; none is not held.
    pub held: Option<Personal<String>>,
    /// The record of each session.
    pub attendance: BTreeMap<u8, AttendanceRecord>,
    /// The absence flag.
    pub flag: AbsenceFlag,
    /// Who takes the reflections.
    pub marker: Option<PersonId>,
    /// What was handed in, by week.
    pub reflections: BTreeMap<u8, Reflection>,
}

/// What an enrolment needs to know from other streams and claims.
#[derive(Clone, Debug, Default)]
pub struct EnrolmentFacts {
    /// Which cohort it is.
    pub cohort_id: Option<CohortId>,
    /// The cohort (for `EnrolStudent` the one to enrol in).
    pub cohort: Arc<Cohort>,
    /// The student.
    pub person: Arc<Person>,
    /// The hub that is joined; none where none is.
    pub hub: Option<Arc<Hub>>,
    /// How many active students the cohort has.
    pub places_taken: u32,
    /// The person's active enrolment, if there is one.
    pub active_enrolment: Option<EnrolmentId>,
    /// The person's enrolment in that cohort, if there ever was one.
    pub same_cohort: Option<EnrolmentId>,
}

impl Enrolment {
    /// Whether the student was ever enrolled.
    pub fn exists(&self) -> bool {
        self.cohort_id.is_some()
    }

    /// Whether they take part.
    pub fn is_active(&self) -> bool {
        self.exists() && self.status == EnrolmentStatus::Active
    }

    /// The weeks marked absent.
    pub fn missed_weeks(&self) -> BTreeSet<u8> {
        let absent = self.attendance.iter().filter(|(_, record)| record.status == AttendanceStatus::Absent);
        absent.map(|(week, _)| *week).collect()
    }

    pub(crate) fn apply_event(&mut self, event: &EnrolmentEvent) {
        match event {
            EnrolmentEvent::Membership(event) => self.apply_membership(event),
            EnrolmentEvent::Attendance(event) => self.apply_attendance(event),
            EnrolmentEvent::Progression(event) => self.apply_progression(event),
            EnrolmentEvent::Reflections(event) => self.apply_reflections(event),
        }
    }

    fn apply_membership(&mut self, event: &MembershipEvent) {
        match event {
            MembershipEvent::StudentEnrolled { cohort_id, person_id, hub_id, week, moved_from: _, origin } => {
                self.cohort_id = Some(*cohort_id);
                self.person_id = Some(*person_id);
                self.hub_id = *hub_id;
                // Whoever enrols somebody without a hub has said nothing about one.
                self.hub_by_hand = hub_id.is_some() && *origin == Origin::Hand;
                self.week = *week;
            }
            MembershipEvent::HubJoined { hub_id, previous: _, origin } => {
                self.hub_id = Some(*hub_id);
                self.hub_by_hand = *origin == Origin::Hand;
            }
            MembershipEvent::HubLeft { hub_id: _ } => {
                self.hub_id = None;
                self.hub_by_hand = true;
            }
            MembershipEvent::StudentWithdrawn { reason: _, moved_to: _ } => self.status = EnrolmentStatus::Withdrawn,
            MembershipEvent::StudentReinstated { moved_from: _ } => self.status = EnrolmentStatus::Active,
            MembershipEvent::EnrolmentCompleted {} => self.status = EnrolmentStatus::Completed,
        }
    }

    fn apply_attendance(&mut self, event: &AttendanceEvent) {
        match event {
            AttendanceEvent::AttendanceMarked { week, status, place, note, by, authority, hub_id: _ } => {
                let record = AttendanceRecord {
                    status: *status,
                    place: *place,
                    note: note.clone(),
                    by: *by,
                    authority: *authority,
                };
                self.attendance.insert(*week, record);
                if *status != AttendanceStatus::Absent {
                    self.flag.talked_about.remove(week);
                }
            }
            AttendanceEvent::AbsenceFlagRaised { flag, missed_weeks: _ } => {
                self.flag.number = *flag;
                self.flag.open = true;
            }
            AttendanceEvent::AbsenceFlagCleared { flag: _, missed_weeks: _ } => self.flag.open = false,
            AttendanceEvent::AbsenceFlagResolved { flag: _, reason: _ } => {
                self.flag.open = false;
                self.flag.talked_about = self.missed_weeks();
            }
        }
    }

    fn apply_progression(&mut self, event: &ProgressionEvent) {
        match event {
            ProgressionEvent::StudentAdvanced { from_week: _, to_week, reason: _ } => self.week = *to_week,
            ProgressionEvent::StudentHeld { week: _, reason } => self.held = Some(reason.clone()),
            ProgressionEvent::StudentReleased { week: _, reason: _ } => self.held = None,
            ProgressionEvent::WeekSet { from_week: _, week, reason: _ } => self.week = *week,
        }
    }

    fn apply_reflections(&mut self, event: &ReflectionEvent) {
        match event {
            ReflectionEvent::ReflectionSubmitted { week, text, visibility }
            | ReflectionEvent::ReflectionRevised { week, text, visibility } => {
                let before = self.reflections.get(week).map_or(0, |before| before.submissions);
                let (text, submissions) = (text.clone(), before.saturating_add(1));
                let reflection = Reflection { text, visibility: *visibility, mark: None, submissions };
                self.reflections.insert(*week, reflection);
            }
            ReflectionEvent::ReflectionVisibilitySet { week, visibility } => {
                if let Some(reflection) = self.reflections.get_mut(week) {
                    reflection.visibility = *visibility;
                }
            }
            ReflectionEvent::MarkerAssigned { marker_id, previous: _ } => self.marker = Some(*marker_id),
            ReflectionEvent::ReflectionMarked { week, outcome, feedback, by }
            | ReflectionEvent::MarkAmended { week, outcome, feedback, reason: _, by } => {
                if let Some(reflection) = self.reflections.get_mut(week) {
                    reflection.mark = Some(Mark { outcome: *outcome, feedback: feedback.clone(), by: *by });
                }
            }
        }
    }
}
