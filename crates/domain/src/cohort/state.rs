//! What a cohort's stream adds up to. Applying never fails and never decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::CohortEvent;
use super::schedule::Zone;
use crate::ids::{ModuleId, PersonId};
use crate::module::Module;
use crate::person::Person;

/// Where a cohort stands: upcoming → active → completed → archived, or cancelled from the first two.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CohortStatus {
    /// Scheduled, not begun.
    #[default]
    Upcoming,
    /// Begun.
    Active,
    /// Ended.
    Completed,
    /// Ended and put away.
    Archived,
    /// Called off.
    Cancelled,
}

/// Whether a session takes place as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// As first planned.
    Scheduled,
    /// At another time.
    Rescheduled,
    /// Not at all.
    Cancelled,
}

/// One weekly session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// How long it is, in minutes.
    pub minutes: u16,
    /// Whether it takes place as planned.
    pub status: SessionStatus,
}

/// A cohort as its events made it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    /// Of which module; none while it was never scheduled.
    pub module_id: Option<ModuleId>,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub status: CohortStatus,
    /// Where its dates are computed.
    pub zone: Option<Zone>,
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
}

impl Cohort {
    /// Whether it was ever scheduled.
    pub fn exists(&self) -> bool {
        self.module_id.is_some()
    }

    /// Whether students can be enrolled, moved on and marked.
    pub fn is_open(&self) -> bool {
        matches!(self.status, CohortStatus::Upcoming | CohortStatus::Active)
    }

    /// The module's last week.
    pub fn last_week(&self) -> u8 {
        self.sessions.keys().next_back().copied().unwrap_or(0)
    }

    /// The instant from which on a reflection is too late: the end of the local day `reflection_grace_days` after the
    /// last session that takes place (after the last planned one, where all are cancelled).
    pub fn reflections_due(&self) -> Option<DateTime<Utc>> {
        let held = self.sessions.values().filter(|session| session.status != SessionStatus::Cancelled);
        let last = held.map(|s| s.starts_at).max().or_else(|| self.sessions.values().map(|s| s.starts_at).max())?;
        Some(self.zone?.end_of_grace(last, self.reflection_grace_days))
    }

    pub(crate) fn apply_event(&mut self, event: &CohortEvent) {
        match event {
            CohortEvent::CohortScheduled {
                module_id,
                name,
                starts_on: _,
                session_start: _,
                session_minutes: _,
                timezone,
                capacity,
                absence_threshold,
                reflection_grace_days,
                sessions,
            } => {
                self.module_id = Some(*module_id);
                self.name.clone_from(name);
                self.zone = Some(*timezone);
                self.capacity = *capacity;
                self.absence_threshold = *absence_threshold;
                self.reflection_grace_days = *reflection_grace_days;
                self.sessions = sessions
                    .iter()
                    .map(|s| {
                        let status = SessionStatus::Scheduled;
                        (s.week, Session { starts_at: s.starts_at, minutes: s.minutes, status })
                    })
                    .collect();
            }
            CohortEvent::CohortRenamed { name } => self.name.clone_from(name),
            CohortEvent::SessionRescheduled { week, starts_at, minutes, reason: _ } => {
                let status = SessionStatus::Rescheduled;
                self.sessions.insert(*week, Session { starts_at: *starts_at, minutes: *minutes, status });
            }
            CohortEvent::SessionCancelled { week, reason: _ } => {
                if let Some(session) = self.sessions.get_mut(week) {
                    session.status = SessionStatus::Cancelled;
                }
            }
            CohortEvent::CapacitySet { capacity } => self.capacity = *capacity,
            CohortEvent::CohortStarted {} => self.status = CohortStatus::Active,
            CohortEvent::CohortCompleted {} => self.status = CohortStatus::Completed,
            CohortEvent::CohortCancelled { reason: _ } => self.status = CohortStatus::Cancelled,
            CohortEvent::CohortArchived {} => self.status = CohortStatus::Archived,
            CohortEvent::MarkerAppointed { person_id } => {
                self.markers.insert(*person_id);
            }
            CohortEvent::MarkerDismissed { person_id } => {
                self.markers.remove(person_id);
            }
            CohortEvent::InstructorAppointed { person_id, lead } => {
                self.instructors.insert(*person_id, *lead);
            }
            CohortEvent::InstructorDismissed { person_id } => {
                self.instructors.remove(person_id);
            }
        }
    }
}

/// What a cohort needs to know from other streams and claims.
#[derive(Clone, Debug, Default)]
pub struct CohortFacts {
    /// The module to run, when scheduling.
    pub module: Arc<Module>,
    /// The cohort whose syllabus it begins with, when scheduling with one.
    pub copy_from: Option<Arc<Cohort>>,
    /// The person to appoint, when appointing.
    pub person: Arc<Person>,
    /// How many active students the cohort has, when setting the capacity.
    pub places_taken: u32,
    /// How many of them the marker has, when dismissing one.
    pub marker_load: u32,
}
