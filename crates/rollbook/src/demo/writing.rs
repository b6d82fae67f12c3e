//! Reflections: handed in on three occasions of a week, marked, some of them revised and marked again.

use rollbook_domain::enrolment::{AmendMark, MarkReflection, Outcome, SubmitReflection};
use rollbook_domain::text::{Feedback, ReflectionText};
use rollbook_domain::{PersonId, Personal};

use super::calendar::Calendar;
use super::cast::{Cast, Student};
use super::evening::week;
use super::fixture::Fixture;
use super::pattern;
use super::stage::{Act, Stage};
use crate::failure::{Done, Failure};

/// Hours and minutes after the session's beginning at which reflections are handed in.
pub const OVER_THE_WEEK: [(i64, i64); 3] = [(3, 0), (18, 20), (70, 45)];
/// The same where the week is not over yet.
pub const THE_SAME_EVENING: [(i64, i64); 3] = [(2, 30), (3, 15), (4, 0)];

/// Lets those hand in who do so on this occasion; how many.
pub async fn hand_in(
    stage: &Stage,
    fixture: &Fixture,
    calendar: &Calendar,
    cast: &mut Cast,
    at: u8,
    (occasion, (hours, minutes)): (usize, (i64, i64)),
) -> Done<usize> {
    stage.progress.doing(format!("week {at}: reflections"));
    stage.set_clock(calendar.after(at, hours, minutes));
    let mut acts = Vec::new();
    for student in &cast.students {
        let writes = pattern::writes(fixture, student, at) && pattern::occasion(student, at) == occasion;
        if writes && student.active && student.week >= at {
            let text = pattern::reflection(fixture, student, at);
            acts.push(submission(student, at, "hand in", &text)?);
        }
    }
    let handed_in = stage.perform_all(acts).await?;
    cast.follow(&handed_in)?;
    Ok(handed_in.len())
}

/// Lets the markers mark, students revise, and the markers mark again; how many marks were given.
pub async fn mark(stage: &Stage, fixture: &Fixture, calendar: &Calendar, cast: &mut Cast, at: u8) -> Done<usize> {
    stage.progress.doing(format!("week {at}: marking"));
    stage.set_clock(calendar.after(at, 4 * 24, 0));
    let marks = marks(fixture, cast, at)?;
    let marked = stage.perform_all(marks).await?;
    cast.follow(&marked)?;

    stage.set_clock(calendar.after(at, 5 * 24 + 1, 10));
    let mut revisions = Vec::new();
    for student in cast.students.iter().filter(|student| student.active) {
        if student.reflections.get(&at) == Some(&Some(Outcome::Fail)) && pattern::revises(fixture, student, at) {
            let text = pattern::reflection(fixture, student, at);
            let text = format!("{text}\n\n{}", fixture.marking.revision);
            revisions.push(submission(student, at, "revise", &text)?);
        }
    }
    let revised = stage.perform_all(revisions).await?;
    cast.follow(&revised)?;

    stage.set_clock(calendar.after(at, 6 * 24, 0));
    for amendment in fixture.amendments.iter().filter(|amendment| amendment.week.get() == at) {
        let student = cast.student(&amendment.student)?;
        let command = AmendMark {
            enrolment_id: student.enrolment,
            week: amendment.week,
            outcome: Outcome::Pass,
            feedback: amendment.feedback.clone(),
            reason: amendment.reason.clone(),
        };
        let by = marker(cast, student, at)?;
        let step = format!("week {at}: amend the mark of {}", amendment.student);
        let amended = stage.perform(Act::by(by, step, command)).await?;
        cast.follow([&amended])?;
    }
    Ok(marked.len())
}

/// The marks of everything that waits: of this week's most, of earlier weeks' all.
fn marks(fixture: &Fixture, cast: &Cast, at: u8) -> Done<Vec<Act>> {
    let mut acts = Vec::new();
    for student in &cast.students {
        let waiting = student.reflections.iter().filter(|(of, mark)| **of <= at && mark.is_none());
        for of in waiting.map(|(of, _)| *of) {
            let outcome = match pattern::outcome(fixture, student, of) {
                Some(outcome) if of == at => outcome,
                None if of == at => continue,
                _ => Outcome::Pass,
            };
            let texts = match outcome {
                Outcome::Pass => &fixture.marking.passes,
                Outcome::Fail => &fixture.marking.fails,
            };
            let command = MarkReflection {
                enrolment_id: student.enrolment,
                week: week(of)?,
                outcome,
                feedback: feedback(texts, student.number + usize::from(of))?,
            };
            let step = format!("week {at}: mark week {of} of {}", student.address);
            acts.push(Act::by(marker(cast, student, of)?, step, command));
        }
    }
    Ok(acts)
}

fn submission(student: &Student, at: u8, what: &str, text: &str) -> Done<Act> {
    let text = ReflectionText::try_new(text).map_err(Failure::new)?;
    let command = SubmitReflection {
        enrolment_id: student.enrolment,
        week: week(at)?,
        text: Personal::new(text),
        visibility: pattern::visibility(student, at),
    };
    Ok(Act::by(student.person, format!("week {at}: {what} {}", student.address), command))
}

/// Who marks: the allocated marker, now and then another one.
fn marker(cast: &Cast, student: &Student, of: u8) -> Done<PersonId> {
    let unallocated = || Failure::new(format!("{} has no marker", student.address));
    let allocated = student.marker.ok_or_else(unallocated)?;
    let place = cast.markers.iter().position(|marker| *marker == allocated).ok_or_else(unallocated)?;
    let step = usize::from(pattern::is_marked_by_another(student, of));
    Ok(cast.markers.get((place + step) % cast.markers.len()).copied().unwrap_or(allocated))
}

fn feedback(texts: &[Personal<Feedback>], which: usize) -> Done<Personal<Feedback>> {
    let text = texts.get(which % texts.len().max(1));
    text.cloned().ok_or_else(|| Failure::new("fixtures/demo.toml has no feedback"))
}
