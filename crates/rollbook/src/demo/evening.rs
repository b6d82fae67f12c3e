//! The evening of a session: the registers are taken, and then the next week opens for those who go on.

use std::collections::BTreeMap;

use rollbook_domain::cohort::Week;
use rollbook_domain::cohort::{AdvanceCohort, RegisterMark, TakeAttendance, WithReason};
use rollbook_domain::enrolment::AttendanceStatus;
use rollbook_domain::{HubId, PersonId};
use rollbook_store::Receipt;

use super::calendar::{Calendar, LAST_WEEK};
use super::cast::Cast;
use super::fixture::{Decision, Fixture};
use super::pattern;
use super::stage::{Act, Stage};
use crate::failure::{Done, Failure};

/// What an evening came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evening {
    pub there: usize,
    pub students: usize,
    pub flags: usize,
    pub advanced: usize,
    pub held: usize,
}

/// A week of the fixture as commands take it.
pub fn week(number: u8) -> Done<Week> {
    Week::try_new(number).ok_or_else(|| Failure::new(format!("there is no week {number}")))
}

/// Plays it.
pub async fn play(stage: &Stage, fixture: &Fixture, calendar: &Calendar, cast: &mut Cast, at: u8) -> Done<Evening> {
    stage.progress.doing(format!("week {at}: attendance"));
    stage.set_clock(calendar.after(at, 1, 35));
    let mut evening = Evening { students: cast.students.iter().filter(|s| s.active).count(), ..Evening::default() };
    let registers = registers(fixture, cast, at);
    let marks = registers.iter().flat_map(|(_, _, marks)| marks);
    evening.there = marks.filter(|m| matches!(m.status, AttendanceStatus::Present | AttendanceStatus::Late)).count();
    let mut take = Vec::new();
    for (hub, by, marks) in registers {
        let command = TakeAttendance { cohort_id: cast.cohort, week: week(at)?, marks };
        take.push(Act::by(by, format!("week {at}: register of {hub}"), command));
    }
    let taken = stage.perform_all(take).await?;
    evening.flags = count(&taken, "AbsenceFlagRaised");

    if at < LAST_WEEK {
        stage.progress.doing(format!("week {at}: advancing"));
        stage.set_clock(calendar.after(at, 2, 15));
        let command = AdvanceCohort {
            cohort_id: cast.cohort,
            to_week: week(at + 1)?,
            hold: of_week(&fixture.holds, cast, at)?,
            override_flags: of_week(&fixture.overrides, cast, at)?,
        };
        let advanced = stage.perform(Act::by(cast.admin, format!("week {at}: advance"), command)).await?;
        cast.follow([&advanced])?;
        let length = |list: &str| advanced.lists.get(list).map_or(0, Vec::len);
        (evening.advanced, evening.held) = (length("advanced"), length("held"));
    }
    Ok(evening)
}

/// Each hub's register with who takes it: its coordinator; the flagship's, the instructor.
fn registers(fixture: &Fixture, cast: &Cast, at: u8) -> Vec<(String, PersonId, Vec<RegisterMark>)> {
    let mut by_hub: BTreeMap<Option<HubId>, Vec<RegisterMark>> = BTreeMap::new();
    for student in cast.students.iter().filter(|student| student.active) {
        if let Some((status, note)) = pattern::attendance(fixture, student, at) {
            let place = pattern::place(student, status);
            let mark = RegisterMark { enrolment_id: student.enrolment, status, place, note };
            by_hub.entry(student.hub).or_default().push(mark);
        }
    }
    let register = |(hub, marks): (Option<HubId>, _)| match hub.and_then(|hub| cast.hub(hub)) {
        Some(hub) => (hub.name.clone(), hub.coordinator, marks),
        None => ("the flagship".to_owned(), cast.instructor, marks),
    };
    by_hub.into_iter().map(register).collect()
}

fn of_week(decisions: &[Decision], cast: &Cast, at: u8) -> Done<Vec<WithReason>> {
    let decided = decisions.iter().filter(|decision| decision.week == at).map(|decision| {
        let enrolment_id = cast.student(&decision.student)?.enrolment;
        Ok(WithReason { enrolment_id, reason: decision.reason.clone() })
    });
    decided.collect()
}

/// How often something has happened.
pub fn count(receipts: &[Receipt], event_type: &str) -> usize {
    receipts.iter().flat_map(|receipt| &receipt.events).filter(|event| event.event_type == event_type).count()
}
