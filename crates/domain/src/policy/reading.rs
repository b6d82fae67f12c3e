//! The reading half of 'who may': which rosters, reflections and records a person sees.

use std::collections::BTreeSet;

use crate::enrolment::{EnrolmentStatus, Visibility};
use crate::ids::{CohortId, EnrolmentId, HubId, PersonId};

/// A person who reads, with everything that gives them a right to.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Who.
    pub person: PersonId,
    /// Owner or admin: reads everything.
    pub admin: bool,
    /// The cohorts they teach.
    pub instructs: BTreeSet<CohortId>,
    /// The cohorts they mark in.
    pub marks: BTreeSet<CohortId>,
    /// The hubs they look after.
    pub coordinates: BTreeSet<HubId>,
    /// Their own enrolments.
    pub enrolments: Vec<OwnEnrolment>,
}

/// One of the reader's own enrolments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnEnrolment {
    /// Which.
    pub id: EnrolmentId,
    /// In which cohort.
    pub cohort: CohortId,
    /// The week they see.
    pub week: u8,
    /// Where it stands.
    pub status: EnrolmentStatus,
}

/// How much of a cohort's syllabus somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weeks {
    /// All of it.
    All,
    /// The weeks up to this one; 0 is none.
    UpTo(u8),
}

impl Weeks {
    /// Whether a week is among them.
    pub fn include(self, week: u8) -> bool {
        match self {
            Self::All => true,
            Self::UpTo(last) => week <= last,
        }
    }
}

/// How much of a cohort's roster somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterScope {
    /// All of it.
    Whole,
    /// The students of these hubs.
    Hubs(BTreeSet<HubId>),
}

impl Reader {
    /// How much of a cohort's roster they see; none is not at all.
    pub fn roster(&self, cohort: CohortId) -> Option<RosterScope> {
        if self.admin || self.instructs.contains(&cohort) || self.marks.contains(&cohort) {
            Some(RosterScope::Whole)
        } else if self.coordinates.is_empty() {
            None
        } else {
            Some(RosterScope::Hubs(self.coordinates.clone()))
        }
    }

    /// Whether they see a student's record: whoever sees their roster row, and the student.
    pub fn record(&self, student: PersonId, cohort: CohortId, hub: Option<HubId>) -> bool {
        student == self.person
            || match self.roster(cohort) {
                Some(RosterScope::Whole) => true,
                Some(RosterScope::Hubs(hubs)) => hub.is_some_and(|hub| hubs.contains(&hub)),
                None => false,
            }
    }

    /// Whether they read a reflection: admins all, markers their cohorts', instructors and coordinators the public ones
    /// of their cohort or hub, students their own, and cohort-mates' public ones of weeks up to their own.
    pub fn reflection(
        &self,
        student: PersonId,
        cohort: CohortId,
        hub: Option<HubId>,
        week: u8,
        visibility: Visibility,
    ) -> bool {
        if self.admin || student == self.person || self.marks.contains(&cohort) {
            return true;
        }
        if visibility == Visibility::Private {
            return false;
        }
        self.instructs.contains(&cohort)
            || hub.is_some_and(|hub| self.coordinates.contains(&hub))
            || self
                .enrolments
                .iter()
                .any(|own| own.cohort == cohort && own.week >= week && own.status != EnrolmentStatus::Withdrawn)
    }

    /// How much of a cohort's syllabus they see: students the weeks up to their own, coordinators up to the furthest of
    /// their hubs' active students there, whose week is `hubs_furthest`. Who has left sees nothing any more; who is done
    /// keeps what they came to.
    pub fn syllabus(&self, cohort: CohortId, hubs_furthest: u8) -> Weeks {
        if self.edits_syllabus(cohort) || self.marks.contains(&cohort) {
            return Weeks::All;
        }
        let own = self.enrolments.iter().filter(|own| own.cohort == cohort && own.status != EnrolmentStatus::Withdrawn);
        let hubs = if self.coordinates.is_empty() { 0 } else { hubs_furthest };
        Weeks::UpTo(own.map(|own| own.week).max().unwrap_or(0).max(hubs))
    }

    /// Whether they edit a cohort's syllabus, as `Right::EditSyllabus` has it for commands.
    pub fn edits_syllabus(&self, cohort: CohortId) -> bool {
        self.admin || self.instructs.contains(&cohort)
    }

    /// Whether they see that a cohort exists, with its sessions: whoever has to do with it.
    pub fn cohort(&self, cohort: CohortId) -> bool {
        self.admin
            || self.instructs.contains(&cohort)
            || self.marks.contains(&cohort)
            || !self.coordinates.is_empty()
            || self.enrolments.iter().any(|own| own.cohort == cohort)
    }

    /// Whether there may be students of a cohort whose attendance they take, as `Right::TakeAttendance` has it for commands.
    pub fn takes_attendance(&self, cohort: CohortId) -> bool {
        self.admin || self.instructs.contains(&cohort) || !self.coordinates.is_empty()
    }

    /// Whether they see a hub's roster.
    pub fn hub(&self, hub: HubId) -> bool {
        self.admin || self.coordinates.contains(&hub)
    }

    /// The hubs that lists show them, as [`Self::hub`] decides one by one; none is all of them.
    pub fn hubs(&self) -> Option<&BTreeSet<HubId>> {
        (!self.admin).then_some(&self.coordinates)
    }

    /// Whether they see a cohort's marking queue.
    pub fn marking(&self, cohort: CohortId) -> bool {
        self.admin || self.marks.contains(&cohort)
    }

    /// The cohorts whose marking queues they see, as [`Self::marking`] decides one by one; none is all of them.
    pub fn queues(&self) -> Option<&BTreeSet<CohortId>> {
        (!self.admin).then_some(&self.marks)
    }

    /// Whether they may upload files: whoever edits what is taught somewhere.
    pub fn uploads(&self) -> bool {
        self.admin || !self.instructs.is_empty()
    }

    /// Whether they have a role or an appointment in the site: what hosts for staff are for.
    pub fn is_staff(&self) -> bool {
        self.admin || !(self.instructs.is_empty() && self.marks.is_empty() && self.coordinates.is_empty())
    }

    /// Whether they see the audit trail: who decided what, about everybody.
    pub fn audit(&self) -> bool {
        self.admin
    }
}

#[cfg(test)]
mod tests;
