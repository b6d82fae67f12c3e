//! `AdvanceCohort`: who goes on to the next week and who stays, for a whole cohort in one append.
//!
//! [`propose`] is the rule for one student, and the sheet that is shown beforehand uses the same; a command adds only what
//! somebody decided: whom to hold, and whose flag to override.

use std::collections::{BTreeMap, BTreeSet};

use super::{AdvanceCohort, PlanRule, Planner, WithReason};
use crate::claim::{ClaimSet, Limit};
use crate::enrolment::{Enrolment, absent_in};
use crate::ids::EnrolmentId;
use crate::personal::Personal;
use crate::refusal::{InvalidField, Refusal};
use crate::world::Loaded;

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

impl Planner<'_> {
    pub(super) fn advance_cohort(&mut self, command: &AdvanceCohort) -> Result<(), Refusal> {
        let cohort = Self::existing(command.cohort_id, self.world.cohort(command.cohort_id))?.state;
        if !cohort.is_open() {
            return Err(PlanRule::CohortClosed { status: cohort.status }.into());
        }
        let (to_week, last) = (command.to_week.get(), cohort.last_week());
        if !(2..=last).contains(&to_week) {
            return Err(PlanRule::NoSuchWeek { week: to_week, last }.into());
        }
        let places = ClaimSet::places(command.cohort_id);
        let students: Vec<(EnrolmentId, Loaded<Enrolment>)> =
            self.world.members(&places).iter().map(|id| ((*id).into(), self.world.enrolment((*id).into()))).collect();
        let exceptions = Exceptions::try_new(command, &students)?;

        let [mut advanced, mut held, mut untouched] = [Vec::new(), Vec::new(), Vec::new()];
        for (id, loaded) in &students {
            let enrolment = &loaded.state;
            let overridden = exceptions.overridden.get(id);
            let events = match (propose(&Candidate::from(&**enrolment), to_week), exceptions.held.get(id)) {
                (Proposal::Untouched { .. }, _) => {
                    untouched.push(*id);
                    continue;
                }
                (Proposal::StaysHeld { .. }, _) => {
                    held.push(*id);
                    continue;
                }
                (Proposal::Hold { .. } | Proposal::Advance, Some(reason)) => {
                    held.push(*id);
                    enrolment.hold(reason.clone(), &cohort)
                }
                (Proposal::Hold { reason }, None) if overridden.is_none() => {
                    held.push(*id);
                    enrolment.hold(reason.into(), &cohort)
                }
                (Proposal::Hold { .. } | Proposal::Advance, None) => {
                    advanced.push(*id);
                    enrolment.advance(to_week, overridden.cloned(), &cohort)
                }
            };
            self.write(*id, loaded, events?);
        }
        // Whoever is enrolled at the same time was not looked at: then all of it is decided again.
        let at_most = u32::try_from(students.len()).unwrap_or(u32::MAX);
        self.plan.limits.push(Limit::at_most(places, at_most));
        self.plan.lists.extend(
            [("advanced", advanced), ("held", held), ("untouched", untouched)]
                .map(|(name, students)| (name.to_owned(), students)),
        );
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
    fn try_new(command: &AdvanceCohort, students: &[(EnrolmentId, Loaded<Enrolment>)]) -> Result<Self, Refusal> {
        let to_week = command.to_week.get();
        let concerned: BTreeSet<EnrolmentId> = students
            .iter()
            .filter(|(_, loaded)| {
                !matches!(propose(&Candidate::from(&*loaded.state), to_week), Proposal::Untouched { .. })
            })
            .map(|(id, _)| *id)
            .collect();
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
