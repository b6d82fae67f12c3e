//! What the stream of a cohort's emails adds up to. Applying never fails and never decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::events::WeekEmailsEvent;
use crate::cohort::Cohort;
use crate::enrolment::Enrolment;
use crate::ids::EnrolmentId;

/// A cohort's emails as their events made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekEmails {
    /// Who was told of which week.
    pub told: BTreeMap<u8, BTreeSet<EnrolmentId>>,
}

impl WeekEmails {
    /// Whether a student was told of a week.
    pub fn has_told(&self, week: u8, enrolment: EnrolmentId) -> bool {
        self.told.get(&week).is_some_and(|told| told.contains(&enrolment))
    }

    pub(crate) fn apply_event(&mut self, event: &WeekEmailsEvent) {
        match event {
            WeekEmailsEvent::WeekEmailsRequested { week, enrolments } => {
                self.told.entry(*week).or_default().extend(enrolments);
            }
            WeekEmailsEvent::EmailRetried { message_id: _, enrolment_id: _ } => {}
        }
    }
}

/// What a cohort's emails need to know from other streams.
#[derive(Clone, Debug, Default)]
pub struct WeekEmailsFacts {
    /// The cohort.
    pub cohort: Arc<Cohort>,
    /// Its active students.
    pub students: Vec<(EnrolmentId, Arc<Enrolment>)>,
}
