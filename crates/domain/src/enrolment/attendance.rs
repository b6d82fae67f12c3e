//! Who was there, whose word stands, and the absence flag that follows from it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AttendanceEvent, AttendanceStatus, Decided, Enrolment, EnrolmentEvent, EnrolmentFacts, EnrolmentRule,
    EnrolmentStatus, Venue, optional, plain,
};
use crate::actor::DecisionContext;
use crate::cohort::{Cohort, CohortStatus, SessionStatus, Week};
use crate::command::{StreamCommand, about};
use crate::ids::EnrolmentId;
use crate::personal::Personal;
use crate::text::{Note, Reason};

/// Says whether a student was at a session. A mark by a higher authority stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkAttendance {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The number of the session's week, from 1.
    pub week: Week,
    /// Whether they were there.
    pub status: AttendanceStatus,
    /// Whether in a hub or in the room where it is filmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Venue>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<Note>>,
}

impl StreamCommand for MarkAttendance {
    about!(Enrolment, enrolment_id, TakeAttendance);

    fn decide(&self, student: &Enrolment, context: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        student.mark_attendance(self, context, &facts.cohort)
    }
}

/// Closes an open flag: talked to, may go on. A further absence raises it anew.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveAbsenceFlag {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why, for the audit.
    pub reason: Personal<Reason>,
}

impl StreamCommand for ResolveAbsenceFlag {
    about!(Enrolment, enrolment_id, Administer);

    /// Whatever became of the student, an open flag can be closed. A second time is refused, not taken as a repetition:
    /// it would hide that the flag was cleared meanwhile.
    fn decide(&self, student: &Enrolment, _: &DecisionContext, _: &EnrolmentFacts) -> Decided {
        if !student.flag.open {
            return Err(EnrolmentRule::NoOpenFlag);
        }
        let reason = plain(&self.reason);
        Ok(vec![EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag: student.flag.number, reason })])
    }
}

impl Enrolment {
    /// Corrections after a completed run are possible until the cohort is put away; of withdrawn students nothing more
    /// is recorded.
    pub(crate) fn mark_attendance(
        &self,
        command: &MarkAttendance,
        context: &DecisionContext,
        cohort: &Cohort,
    ) -> Decided {
        let week = command.week.get();
        let note = optional(command.note.as_ref());
        let before = self.attendance.get(&week);
        // A mark that says the same is the same mark, unless it comes with more authority: then it has to be kept, or
        // a lower one could still change it.
        if before.is_some_and(|record| {
            record.status == command.status
                && record.place == command.place
                && record.note == note
                && record.authority.rank() >= context.authority.rank()
        }) {
            return Ok(Vec::new());
        }
        if !self.exists() || self.status == EnrolmentStatus::Withdrawn {
            return Err(EnrolmentRule::NotActive { status: self.status });
        }
        if matches!(cohort.status, CohortStatus::Archived | CohortStatus::Cancelled) {
            return Err(EnrolmentRule::CohortClosed { status: cohort.status });
        }
        session_has_come(week, before.is_some(), context, cohort)?;
        if let Some(record) = before
            && record.authority.rank() > context.authority.rank()
        {
            return Err(EnrolmentRule::HigherAuthorityStands { week, authority: record.authority });
        }
        let marked = EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
            week,
            status: command.status,
            place: command.place,
            note,
            by: context.actor.person(),
            authority: context.authority,
            hub_id: self.hub_id,
        });
        let mut missed_weeks = self.missed_weeks();
        if command.status == AttendanceStatus::Absent {
            missed_weeks.insert(week);
        } else {
            missed_weeks.remove(&week);
        }
        Ok(std::iter::once(marked).chain(self.flag_after(missed_weeks, cohort.absence_threshold)).collect())
    }

    /// What a change of the missed weeks does to the flag. It is raised by a week that nobody has talked about with the
    /// student yet, once; while it is open, only falling below the threshold changes it.
    fn flag_after(&self, missed_weeks: BTreeSet<u8>, threshold: u8) -> Option<EnrolmentEvent> {
        let reached = missed_weeks.len() >= usize::from(threshold);
        if self.flag.open {
            let flag = self.flag.number;
            (!reached).then_some(EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagCleared { flag, missed_weeks }))
        } else {
            let flag = self.flag.number.saturating_add(1);
            let unspoken = !missed_weeks.is_subset(&self.flag.talked_about);
            (reached && unspoken)
                .then_some(EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag, missed_weeks }))
        }
    }
}

/// Attendance is taken from the beginning of the session's local day, so that a register can be opened before the doors.
/// A mark of a session that was cancelled afterwards can still be corrected: it counts, so it must not be stuck.
fn session_has_come(week: u8, marked: bool, context: &DecisionContext, cohort: &Cohort) -> Result<(), EnrolmentRule> {
    let Some((session, zone)) = cohort.sessions.get(&week).zip(cohort.zone) else {
        return Err(EnrolmentRule::NoSuchWeek { week, last: cohort.last_week() });
    };
    if session.status == SessionStatus::Cancelled && !marked {
        return Err(EnrolmentRule::SessionCancelled { week });
    }
    let day = zone.date(session.starts_at);
    if context.at < zone.day_begins(day) {
        return Err(EnrolmentRule::SessionInFuture { week, day });
    }
    Ok(())
}
