//! What happened to a cohort. A contract: a changed event is a new version, an upcaster and a new fixture.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use super::schedule::Zone;
use crate::ids::{ModuleId, PersonId};
use crate::personal::Personal;

/// A session as it was first planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledSession {
    /// 1 is the first.
    pub week: u8,
    /// The instant; the local time is the same every week.
    pub starts_at: DateTime<Utc>,
    /// How long, in minutes.
    pub minutes: u16,
}

/// The events of a `cohort` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum CohortEvent {
    /// A run of a module was planned, with every session's instant.
    CohortScheduled {
        /// Of which module.
        module_id: ModuleId,
        /// What the run is called.
        name: String,
        /// The local date of the first session.
        starts_on: NaiveDate,
        /// The local time at which sessions begin.
        session_start: NaiveTime,
        /// How long sessions are, in minutes.
        session_minutes: u16,
        /// Where dates and deadlines are computed.
        timezone: Zone,
        /// The most active students; none means unlimited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capacity: Option<u32>,
        /// How many absences raise the flag.
        absence_threshold: u8,
        /// How many days after the last session a reflection may still be handed in.
        reflection_grace_days: u16,
        /// Every session.
        sessions: Vec<ScheduledSession>,
    },
    /// It is called something else.
    CohortRenamed {
        /// The name from now on.
        name: String,
    },
    /// A session was moved.
    SessionRescheduled {
        /// Which.
        week: u8,
        /// When from now on.
        starts_at: DateTime<Utc>,
        /// How long from now on, in minutes.
        minutes: u16,
        /// Why.
        reason: Personal<String>,
    },
    /// A session does not take place.
    SessionCancelled {
        /// Which.
        week: u8,
        /// Why.
        reason: Personal<String>,
    },
    /// The most active students changed.
    CapacitySet {
        /// None means unlimited.
        capacity: Option<u32>,
    },
    /// The run began.
    CohortStarted {},
    /// The run ended; its active enrolments ended with it.
    CohortCompleted {},
    /// The run does not take place, or not to its end.
    CohortCancelled {
        /// Why.
        reason: Personal<String>,
    },
    /// The run is history.
    CohortArchived {},
    /// A person may mark this cohort's reflections.
    MarkerAppointed {
        /// Who.
        person_id: PersonId,
    },
    /// A person may not mark them any more.
    MarkerDismissed {
        /// Who.
        person_id: PersonId,
    },
    /// A person teaches this cohort.
    InstructorAppointed {
        /// Who.
        person_id: PersonId,
        /// Whether as the lead.
        #[serde(default)]
        lead: bool,
    },
    /// A person does not teach it any more.
    InstructorDismissed {
        /// Who.
        person_id: PersonId,
    },
}
