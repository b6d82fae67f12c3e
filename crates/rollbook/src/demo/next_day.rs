//! The day after a session: what people talk about and decide one by one, as the fixture has it.

use rollbook_domain::enrolment::MoveStudent;
use rollbook_domain::enrolment::{
    AttendanceStatus, JoinHub, MarkAttendance, ReleaseStudent, ResolveAbsenceFlag, SetWeek, Venue, WithdrawStudent,
};

use super::calendar::Calendar;
use super::cast::Cast;
use super::fixture::Fixture;
use super::ids;
use super::stage::{Act, Stage};
use crate::failure::{Done, Failure};

/// Plays it; what is worth telling of it, line by line.
pub async fn play(stage: &Stage, fixture: &Fixture, calendar: &Calendar, cast: &mut Cast, at: u8) -> Done<Vec<String>> {
    stage.progress.doing(format!("week {at}: decisions"));
    stage.set_clock(calendar.after(at, 15, 0));
    let told = correct(stage, fixture, cast, at).await?;
    for talk in fixture.talks.iter().filter(|talk| talk.after_week == at) {
        let enrolment_id = cast.student(&talk.student)?.enrolment;
        let command = ResolveAbsenceFlag { enrolment_id, reason: talk.reason.clone() };
        decide(stage, cast, format!("week {at}: talk to {}", talk.student), command).await?;
    }
    stage.set_clock(calendar.after(at, 15, 40));
    for release in fixture.releases.iter().filter(|release| release.after_week == at) {
        let command = ReleaseStudent {
            enrolment_id: cast.student(&release.student)?.enrolment,
            reason: Some(release.reason.clone()),
            to_week: Some(release.to_week),
        };
        decide(stage, cast, format!("week {at}: release {}", release.student), command).await?;
    }
    stage.set_clock(calendar.after(at, 16, 5));
    for put in fixture.set_weeks.iter().filter(|put| put.after_week == at) {
        let enrolment_id = cast.student(&put.student)?.enrolment;
        let command = SetWeek { enrolment_id, week: put.week, reason: put.reason.clone() };
        decide(stage, cast, format!("week {at}: put {} in a week", put.student), command).await?;
    }
    comings_and_goings(stage, fixture, cast, at).await?;
    Ok(told)
}

/// An admin's word on attendance stands: the coordinator's, later, is refused.
async fn correct(stage: &Stage, fixture: &Fixture, cast: &mut Cast, at: u8) -> Done<Vec<String>> {
    let correction = &fixture.correction;
    if correction.after_week != at {
        return Ok(Vec::new());
    }
    let student = cast.student(&correction.student)?.clone();
    let (enrolment_id, week) = (student.enrolment, correction.week);
    let command = MarkAttendance {
        enrolment_id,
        week,
        status: AttendanceStatus::Present,
        place: Some(Venue::Hub),
        note: Some(correction.note.clone()),
    };
    decide(stage, cast, format!("week {at}: correct {}", correction.student), command).await?;
    let coordinator = student.hub.and_then(|hub| cast.hub(hub)).map(|hub| hub.coordinator);
    let coordinator = coordinator.ok_or_else(|| Failure::new("the corrected student has no coordinator"))?;
    let again = MarkAttendance { enrolment_id, week, status: AttendanceStatus::Absent, place: None, note: None };
    let refusal = stage.refused(Act::by(coordinator, format!("week {at}: contradict"), again)).await?;
    Ok(vec![
        format!("the admin marks {} present in week {week} after all; when the coordinator says", student.name),
        "absent again, it is refused:".to_owned(),
        format!("“{refusal}”"),
    ])
}

async fn comings_and_goings(stage: &Stage, fixture: &Fixture, cast: &mut Cast, at: u8) -> Done {
    for switch in fixture.hub_switches.iter().filter(|switch| switch.after_week == at) {
        let hub_id = match &switch.hub {
            Some(name) => {
                Some(cast.hubs.iter().find(|hub| hub.name == *name).map(|hub| hub.id).ok_or_else(|| {
                    Failure::new(format!("fixtures/demo.toml names a hub {name}, which there is not"))
                })?)
            }
            None => None,
        };
        let command = JoinHub { enrolment_id: cast.student(&switch.student)?.enrolment, hub_id };
        decide(stage, cast, format!("week {at}: hub of {}", switch.student), command).await?;
    }
    for leaving in fixture.withdrawals.iter().filter(|leaving| leaving.after_week == at) {
        let enrolment_id = cast.student(&leaving.student)?.enrolment;
        let command = WithdrawStudent { enrolment_id, reason: leaving.reason.clone() };
        decide(stage, cast, format!("week {at}: withdraw {}", leaving.student), command).await?;
    }
    for moving in fixture.moves.iter().filter(|moving| moving.after_week == at) {
        let command = MoveStudent {
            enrolment_id: cast.student(&moving.student)?.enrolment,
            to_cohort_id: cast.next_cohort,
            new_enrolment_id: Some(ids::of("enrolment in the next run", &moving.student)),
            reason: moving.reason.clone(),
        };
        decide(stage, cast, format!("week {at}: move {}", moving.student), command).await?;
    }
    Ok(())
}

/// The admin decides something about a student.
async fn decide(stage: &Stage, cast: &mut Cast, step: String, command: impl Into<rollbook_domain::Command>) -> Done {
    let decided = stage.perform(Act::by(cast.admin, step, command)).await?;
    cast.follow([&decided])
}
