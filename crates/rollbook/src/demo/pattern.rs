//! What everybody does who is not written down in the fixture: varied, and the same in every run.

use rollbook_domain::Personal;
use rollbook_domain::enrolment::{AttendanceStatus, Outcome, Venue, Visibility};
use rollbook_domain::text::Note;

use super::cast::Student;
use super::fixture::Fixture;

/// A register's mark with its note; none where whoever took the register forgot the student.
pub fn attendance(
    fixture: &Fixture,
    student: &Student,
    week: u8,
) -> Option<(AttendanceStatus, Option<Personal<Note>>)> {
    let (number, at) = (student.number, usize::from(week));
    if let Some(missed) = fixture.absences.get(&student.address) {
        let absent = missed.contains(&week);
        return Some((if absent { AttendanceStatus::Absent } else { AttendanceStatus::Present }, None));
    }
    // In seven weeks each remainder comes once at most: nobody is absent three times by this rule.
    let varied = number * 31 + at * 17;
    if (number + at * 3).is_multiple_of(47) {
        None
    } else if varied.is_multiple_of(19) {
        Some((AttendanceStatus::Absent, None))
    } else if varied % 23 == 5 {
        let notes = &fixture.attendance.excused;
        Some((AttendanceStatus::Excused, notes.get(varied % notes.len().max(1)).cloned()))
    } else if varied.is_multiple_of(13) {
        Some((AttendanceStatus::Late, None))
    } else {
        Some((AttendanceStatus::Present, None))
    }
}

/// Where a student was who was there.
pub fn place(student: &Student, status: AttendanceStatus) -> Option<Venue> {
    match status {
        AttendanceStatus::Present | AttendanceStatus::Late => {
            Some(if student.hub.is_some() { Venue::Hub } else { Venue::Flagship })
        }
        AttendanceStatus::Absent | AttendanceStatus::Excused => None,
    }
}

/// Whether a student hands in a reflection of this week: six in ten do.
pub fn writes(fixture: &Fixture, student: &Student, week: u8) -> bool {
    fixture.reflections.always.contains(&student.address) || (student.number * 7 + usize::from(week)) % 10 < 6
}

/// On which of three occasions they hand it in.
pub fn occasion(student: &Student, week: u8) -> usize {
    (student.number + usize::from(week)) % 3
}

/// Who may read it: one in five keeps it private.
pub fn visibility(student: &Student, week: u8) -> Visibility {
    if (student.number + usize::from(week)).is_multiple_of(5) { Visibility::Private } else { Visibility::Cohort }
}

/// What a student writes: a paragraph or two around what the week was about, and an end.
pub fn reflection(fixture: &Fixture, student: &Student, week: u8) -> String {
    let texts = &fixture.reflections;
    let (number, at) = (student.number, usize::from(week));
    let pick = |from: &[String], which: usize| from.get(which % from.len().max(1)).cloned().unwrap_or_default();
    let mut paragraphs = vec![pick(&texts.paragraphs, number * 5 + at * 3), pick(&texts.themes, at - 1)];
    if (number + at).is_multiple_of(2) {
        paragraphs.push(pick(&texts.paragraphs, number * 5 + at * 3 + 7));
    }
    paragraphs.push(pick(&texts.closings, number + at));
    paragraphs.join("\n\n")
}

/// How a reflection is marked at the end of its week; none waits until the next.
pub fn outcome(fixture: &Fixture, student: &Student, week: u8) -> Option<Outcome> {
    let (number, at) = (student.number, usize::from(week));
    let amended = |a: &super::fixture::Amendment| a.student == student.address && a.week.get() == week;
    if fixture.amendments.iter().any(amended) || (number + at * 2).is_multiple_of(9) {
        Some(Outcome::Fail)
    } else if (number * 3 + at * 5).is_multiple_of(8) {
        None
    } else {
        Some(Outcome::Pass)
    }
}

/// Whether a failed reflection is revised in the same week; an amended one need not be.
pub fn revises(fixture: &Fixture, student: &Student, week: u8) -> bool {
    let amended = fixture.amendments.iter().any(|a| a.student == student.address && a.week.get() == week);
    !amended && !(student.number + usize::from(week)).is_multiple_of(3)
}

/// Whether another marker than the allocated one takes it.
pub fn is_marked_by_another(student: &Student, week: u8) -> bool {
    (student.number + usize::from(week)).is_multiple_of(17)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::demo::cast::Cast;

    fn absences(fixture: &Fixture, student: &Student) -> BTreeSet<u8> {
        let absent = |week: &u8| {
            attendance(fixture, student, *week).is_some_and(|(status, _)| status == AttendanceStatus::Absent)
        };
        (1..=7).filter(absent).collect()
    }

    #[test]
    fn only_the_students_who_are_written_down_reach_three_absences() {
        let fixture = Fixture::load().unwrap();
        for student in &Cast::of(&fixture).students {
            let missed = absences(&fixture, student);
            match fixture.absences.get(&student.address) {
                Some(written) => assert_eq!(&missed, written, "{}", student.address),
                None => assert!(missed.len() < 3, "{} misses {missed:?}", student.address),
            }
        }
    }

    #[test]
    fn about_six_in_ten_write() {
        let fixture = Fixture::load().unwrap();
        let cast = Cast::of(&fixture);
        for week in 1..=7 {
            let writers = cast.students.iter().filter(|student| writes(&fixture, student, week)).count();
            assert!((36..=46).contains(&writers), "{writers} in week {week}");
        }
    }

    #[test]
    fn amended_marks_were_fails_of_reflections_that_were_written() {
        let fixture = Fixture::load().unwrap();
        let cast = Cast::of(&fixture);
        for amendment in &fixture.amendments {
            let student = cast.student(&amendment.student).unwrap();
            assert!(writes(&fixture, student, amendment.week.get()));
            assert_eq!(outcome(&fixture, student, amendment.week.get()), Some(Outcome::Fail));
        }
    }
}
