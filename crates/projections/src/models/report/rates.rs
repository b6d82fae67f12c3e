//! What counts, and of how many: the only place where the report's figures are defined.

use std::fmt;
use std::iter::Sum;

use rollbook_domain::enrolment::{AttendanceStatus, EnrolmentStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Student, StudentCounts, StudentReport, WeekReport};
use crate::models::cohorts::SessionItem;
use crate::models::roster::ReflectionState;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// Of how many.
    pub of: u32,
}

impl Rate {
    /// In percent; none of nothing.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| f64::from(self.count) * 100.0 / f64::from(self.of))
    }

    /// How many of some meet a condition.
    fn among<T>(all: impl IntoIterator<Item = T>, condition: impl Fn(T) -> bool) -> Self {
        all.into_iter().map(|one| Self { count: u32::from(condition(one)), of: 1 }).sum()
    }
}

/// `84 %`; a dash where there was nothing to count.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.percent() {
            Some(percent) => write!(f, "{percent:.0} %"),
            None => f.write_str("–"),
        }
    }
}

impl Sum for Rate {
    fn sum<I: Iterator<Item = Self>>(rates: I) -> Self {
        rates.fold(Self::default(), |sum, rate| Self { count: sum.count + rate.count, of: sum.of + rate.of })
    }
}

/// Whether somebody who has this mark came; none where it is not asked.
fn came(status: AttendanceStatus) -> Option<bool> {
    match status {
        AttendanceStatus::Present | AttendanceStatus::Late => Some(true),
        AttendanceStatus::Absent => Some(false),
        AttendanceStatus::Excused => None,
    }
}

/// A student with their figures. A session that was cancelled counts for nobody, whatever was marked.
pub fn of_student(student: Student, cancelled: &[u8]) -> StudentReport {
    let Student { enrolment_id, name, hub, status, moved, week, held, attendance, reflections } = student;
    let marks = attendance.iter().filter(|(week, _)| !cancelled.contains(week)).filter_map(|(_, mark)| came(*mark));
    StudentReport {
        attended: Rate::among(marks, |came| came),
        written: Rate::among(1..=week, |week| reflections.contains_key(&week)),
        enrolment_id,
        name,
        hub,
        status,
        moved,
        week,
        held,
        attendance,
        reflections,
    }
}

/// A week of all students.
pub fn of_week(SessionItem { week, session }: &SessionItem, rows: &[StudentReport]) -> WeekReport {
    let marked = |status| count(rows, |row| row.attendance.get(week) == Some(&status));
    let written = |state| count(rows, |row| row.reflections.get(week) == Some(&state));
    let marks = rows.iter().filter_map(|row| row.attendance.get(week)).filter_map(|mark| came(*mark));
    WeekReport {
        week: *week,
        starts_at: session.starts_at,
        session: session.status,
        present: marked(AttendanceStatus::Present),
        late: marked(AttendanceStatus::Late),
        excused: marked(AttendanceStatus::Excused),
        absent: marked(AttendanceStatus::Absent),
        unmarked: count(rows, |row| !row.left() && !row.attendance.contains_key(week)),
        attendance: Rate::among(marks, |came| came),
        submitted: written(ReflectionState::Submitted),
        passed: written(ReflectionState::Pass),
        failed: written(ReflectionState::Fail),
        reflections: Rate::among(rows.iter().filter(|row| row.week >= *week), |row| row.reflections.contains_key(week)),
    }
}

/// Where the students stand.
pub fn counts(rows: &[StudentReport]) -> StudentCounts {
    let status = |status| count(rows, |row| row.status == status && !row.moved);
    StudentCounts {
        enrolled: count(rows, |_| true),
        active: status(EnrolmentStatus::Active),
        completed: status(EnrolmentStatus::Completed),
        withdrawn: status(EnrolmentStatus::Withdrawn),
        moved: count(rows, |row| row.moved),
    }
}

fn count(rows: &[StudentReport], condition: impl Fn(&StudentReport) -> bool) -> u32 {
    Rate::among(rows, condition).count
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rollbook_domain::cohort::SessionStatus;
    use uuid::Uuid;

    use super::*;
    use crate::models::cohorts::Session;

    fn student(week: u8, attendance: &[(u8, AttendanceStatus)], reflections: &[u8]) -> Student {
        Student {
            enrolment_id: Uuid::nil().into(),
            name: "Anna".into(),
            hub: None,
            status: EnrolmentStatus::Active,
            moved: false,
            week,
            held: false,
            attendance: attendance.iter().copied().collect::<BTreeMap<_, _>>(),
            reflections: reflections.iter().map(|week| (*week, ReflectionState::Pass)).collect(),
        }
    }

    fn rate(count: u32, of: u32) -> Rate {
        Rate { count, of }
    }

    #[test]
    fn whoever_is_excused_or_not_marked_does_not_count() {
        use AttendanceStatus::{Absent, Excused, Late, Present};
        let marks = [(1, Present), (2, Late), (3, Absent), (4, Excused)];
        assert_eq!(of_student(student(5, &marks, &[]), &[]).attended, rate(2, 3));
        assert_eq!(of_student(student(5, &marks, &[]), &[3]).attended, rate(2, 2), "nobody misses a cancelled session");
        assert_eq!(of_student(student(5, &[], &[]), &[]).attended.percent(), None);
    }

    #[test]
    fn reflections_count_up_to_the_week_that_a_student_came_to() {
        assert_eq!(of_student(student(3, &[], &[1, 3]), &[]).written, rate(2, 3));
        assert_eq!(rate(2, 3).percent().map(f64::round), Some(67.0));
    }

    #[test]
    fn a_week_counts_those_who_came_as_far() {
        use AttendanceStatus::{Absent, Present};
        let at = "2026-02-03T08:00:00Z".parse().unwrap();
        let session = Session {
            starts_at: at,
            minutes: 120,
            status: SessionStatus::Scheduled,
            planned_at: at,
            revision: 0,
            changed_at: at,
        };
        let rows = [student(2, &[(2, Present)], &[2]), student(2, &[(2, Absent)], &[]), student(1, &[], &[])]
            .map(|s| of_student(s, &[]));
        let week = of_week(&SessionItem { week: 2, session }, &rows);
        assert_eq!((week.attendance, week.reflections), (rate(1, 2), rate(1, 2)));
        assert_eq!((week.present, week.absent, week.unmarked, week.passed), (1, 1, 1, 1));
    }
}
