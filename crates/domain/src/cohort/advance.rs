//! `AdvanceCohort`: who goes on to the next week and who stays, for a whole cohort in one append.
//!
//! [`propose`] is the rule for one student, and the sheet that is shown beforehand uses the same; a command adds only what
//! somebody decided: whom to hold, and whose flag to override.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cohort, Week, need_students};
use crate::claim::ClaimSet;
use crate::command::CommandSpec;
use crate::enrolment::{Enrolment, absent_in};
use crate::ids::{CohortId, EnrolmentId, StreamId};
use crate::personal::Personal;
use crate::plan::{BatchRule, Planner};
use crate::policy::Right;
use crate::refusal::{InvalidField, Refusal};
use crate::text::Reason;
use crate::world::Needs;

/// A student, and why.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithReason {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why, for the audit.
    pub reason: Personal<Reason>,
}

/// Moves a cohort on. Takes everyone active in the week before: those in `hold` are held; those flagged and not overridden
/// are held with the flag as the reason; those already held stay; all others advance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceCohort {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The week that opens.
    pub to_week: Week,
    /// Who stays, and why.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub hold: Vec<WithReason>,
    /// Who goes on although their flag is open, and why.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub override_flags: Vec<WithReason>,
}

/// The most entries in a list: twice the largest cohort there is.
const MAX_ENTRIES: usize = 2000;

/// A student as the proposal sees them; the same fields come from the log and from the roster.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Whether they take part.
    pub active: bool,
    /// The week they see.
    pub week: u8,
    /// Why they are held, if they are.
    pub held: Option<String>,
    /// The weeks they missed, if their absence flag is open.
    pub open_flag: Option<BTreeSet<u8>>,
}

/// What the next week brings a student, unless somebody decides otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Goes on.
    Advance,
    /// Would be held, for this reason.
    Hold {
        /// Why.
        reason: String,
    },
    /// Is held already, and stays.
    StaysHeld {
        /// Why they were held.
        reason: String,
    },
    /// Is not in the week before.
    Untouched {
        /// Why.
        why: String,
    },
}

/// What opening `to_week` brings a student: the one rule behind `AdvanceCohort` and its sheet.
pub fn propose(candidate: &Candidate, to_week: u8) -> Proposal {
    if !candidate.active {
        return Proposal::Untouched { why: "takes no part any more".to_owned() };
    }
    if candidate.week.checked_add(1) != Some(to_week) {
        return Proposal::Untouched { why: format!("is in week {}", candidate.week) };
    }
    match (&candidate.held, &candidate.open_flag) {
        (Some(reason), _) => Proposal::StaysHeld { reason: reason.clone() },
        (None, Some(missed_weeks)) => Proposal::Hold { reason: absent_in(missed_weeks) },
        (None, None) => Proposal::Advance,
    }
}

impl From<&Enrolment> for Candidate {
    fn from(enrolment: &Enrolment) -> Self {
        Self {
            active: enrolment.is_active(),
            week: enrolment.week,
            held: enrolment.held.as_ref().map(|reason| reason.as_str().to_owned()),
            open_flag: enrolment.flag.open.then(|| enrolment.missed_weeks()),
        }
    }
}

impl CommandSpec for AdvanceCohort {
    fn right(&self) -> Right {
        Right::Administer
    }

    fn stream(&self) -> Option<StreamId> {
        Some(self.cohort_id.into())
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        need_students(self.cohort_id, ClaimSet::places(self.cohort_id), needs);
    }

    fn plan(&self, planner: &mut Planner<'_>) -> Result<(), Refusal> {
        let cohort = planner.world.existing::<Cohort>(self.cohort_id)?.state;
        if !cohort.is_open() {
            return Err(BatchRule::CohortClosed { status: cohort.status }.into());
        }
        let (to_week, last) = (self.to_week.get(), cohort.last_week());
        if !(2..=last).contains(&to_week) {
            return Err(BatchRule::NoSuchWeek { week: to_week, last }.into());
        }
        let places = ClaimSet::places(self.cohort_id);
        let mut untouched = Vec::new();
        let mut concerned = Vec::new();
        for (id, student) in planner.world.students(&places) {
            match propose(&Candidate::from(&*student.state), to_week) {
                Proposal::Untouched { .. } => untouched.push(id),
                proposal => concerned.push((id, student, proposal)),
            }
        }
        let exceptions = Exceptions::try_new(self, &concerned.iter().map(|(id, ..)| *id).collect())?;

        let [mut advanced, mut held] = [Vec::new(), Vec::new()];
        for (id, student, proposal) in concerned {
            let enrolment = &student.state;
            let overridden = exceptions.overridden.get(&id);
            let reason = match (proposal, exceptions.held.get(&id)) {
                (Proposal::StaysHeld { .. } | Proposal::Untouched { .. }, _) => {
                    held.push(id);
                    continue;
                }
                (Proposal::Hold { .. } | Proposal::Advance, Some(reason)) => Some(reason.clone()),
                (Proposal::Hold { reason }, None) if overridden.is_none() => Some(reason.into()),
                (Proposal::Hold { .. } | Proposal::Advance, None) => None,
            };
            let events = if let Some(reason) = reason {
                held.push(id);
                enrolment.hold(reason, &cohort)?
            } else {
                advanced.push(id);
                enrolment.advance(to_week, overridden.cloned(), &cohort)?
            };
            planner.write(id, &student, events);
        }
        // Whoever is enrolled at the same time was not looked at: then all of it is decided again.
        planner.no_more_than_now(places);
        for (name, students) in [("advanced", advanced), ("held", held), ("untouched", untouched)] {
            planner.list(name, students);
        }
        Ok(())
    }
}

/// What somebody decided otherwise, by student.
struct Exceptions {
    held: BTreeMap<EnrolmentId, Personal<String>>,
    overridden: BTreeMap<EnrolmentId, Personal<String>>,
}

impl Exceptions {
    /// Reads the command's lists. An entry that could have no effect is refused, since whoever wrote it expects one.
    fn try_new(command: &AdvanceCohort, concerned: &BTreeSet<EnrolmentId>) -> Result<Self, Refusal> {
        let to_week = command.to_week.get();
        let mut seen = BTreeSet::new();
        let mut invalid = Vec::new();
        let mut read = |list: &str, entries: &[WithReason]| {
            if entries.len() > MAX_ENTRIES {
                let detail = format!("must have at most {MAX_ENTRIES} entries; this has {}", entries.len());
                invalid.push(InvalidField { pointer: format!("/{list}"), detail });
                return BTreeMap::new();
            }
            let mut reasons = BTreeMap::new();
            for (index, entry) in entries.iter().enumerate() {
                let detail = if !concerned.contains(&entry.enrolment_id) {
                    format!("is no active student of this cohort in week {}", to_week - 1)
                } else if !seen.insert(entry.enrolment_id) {
                    "is named twice; name each student once, in `hold` or in `override_flags`".to_owned()
                } else {
                    reasons.insert(entry.enrolment_id, entry.reason.reveal().into());
                    continue;
                };
                invalid.push(InvalidField { pointer: format!("/{list}/{index}/enrolment_id"), detail });
            }
            reasons
        };
        let exceptions =
            Self { held: read("hold", &command.hold), overridden: read("override_flags", &command.override_flags) };
        if invalid.is_empty() { Ok(exceptions) } else { Err(Refusal::Invalid(invalid)) }
    }
}

#[cfg(test)]
mod tests;
