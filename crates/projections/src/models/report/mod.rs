//! What happened in a cohort, added up: who came, who wrote, who was held and why, and who came to the end. Made of the read
//! models at the moment of asking; it keeps nothing.

mod holds;
mod rates;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rollbook_domain::cohort::{CohortStatus, SessionStatus, Zone};
use rollbook_domain::enrolment::{AttendanceStatus, EnrolmentStatus};
use rollbook_domain::{CohortId, EnrolmentId, Personal, SiteId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::cohorts::{self, CohortItem};
use super::roster::ReflectionState;
use super::{PersonRef, fetch, items};
use crate::QueryError;

pub use rates::Rate;

/// A cohort's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CohortReport {
    /// Which cohort.
    pub cohort_id: CohortId,
    /// What it is called.
    pub name: String,
    /// What its module is called.
    pub module: String,
    /// Where it stands.
    pub status: CohortStatus,
    /// The local date of the first session.
    pub starts_on: NaiveDate,
    /// Where its dates are computed.
    pub timezone: Zone,
    /// How many students there were, and where they stand.
    pub students: StudentCounts,
    /// How many of those who began and did not move to another cohort came to the end.
    pub completion: Rate,
    /// How many of the sessions that were marked for students they came to; see [`WeekReport::attendance`].
    pub attendance: Rate,
    /// How many of the reflections that students could have written they wrote; see [`WeekReport::reflections`].
    pub reflections: Rate,
    /// Week by week.
    pub weeks: Vec<WeekReport>,
    /// Everybody who was held, the oldest first.
    pub holds: Vec<Hold>,
    /// Every student there ever was, by name.
    pub rows: Vec<StudentReport>,
}

/// Where the students stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StudentCounts {
    /// Everybody who ever was enrolled.
    pub enrolled: u32,
    /// On their way.
    pub active: u32,
    /// At the end.
    pub completed: u32,
    /// Gone, and not to another cohort.
    pub withdrawn: u32,
    /// In another cohort now.
    pub moved: u32,
}

/// A week of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WeekReport {
    /// Which.
    pub week: u8,
    /// When its session begins, or began.
    pub starts_at: DateTime<Utc>,
    /// Whether the session takes place as planned.
    pub session: SessionStatus,
    /// How many were there from the beginning.
    pub present: u32,
    /// How many came late.
    pub late: u32,
    /// How many were excused.
    pub excused: u32,
    /// How many were absent.
    pub absent: u32,
    /// How many students who did not leave have no mark.
    pub unmarked: u32,
    /// Who came, present or late, of those who were expected: whoever is excused or not marked does not count.
    pub attendance: Rate,
    /// How many reflections wait for their marking.
    pub submitted: u32,
    /// How many passed.
    pub passed: u32,
    /// How many failed, and were not handed in again.
    pub failed: u32,
    /// Who wrote, of those who came as far as this week.
    pub reflections: Rate,
}

/// A student of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StudentReport {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// As they write it.
    pub name: Personal<String>,
    /// Where they meet; null is the flagship.
    pub hub: Option<String>,
    /// Where the enrolment stands.
    pub status: EnrolmentStatus,
    /// Whether they went on in another cohort.
    pub moved: bool,
    /// The week they came to.
    pub week: u8,
    /// Whether they are held there.
    pub held: bool,
    /// Whether they were at each session.
    pub attendance: BTreeMap<u8, AttendanceStatus>,
    /// The sessions that they came to, of those that they were expected at.
    pub attended: Rate,
    /// How far each week's reflection is.
    pub reflections: BTreeMap<u8, ReflectionState>,
    /// The reflections that they wrote, of the weeks that they came to.
    pub written: Rate,
}

impl StudentReport {
    /// Its columns in a table; see the HTTP layer's CSV.
    pub const COLUMNS: &'static [&'static str] = &[
        "enrolment_id",
        "name",
        "hub",
        "status",
        "moved",
        "week",
        "held",
        "attendance",
        "attended.of",
        "attended.count",
        "reflections",
        "written.of",
        "written.count",
    ];

    /// Where they stand, in words.
    pub fn stands(&self) -> String {
        let status: &str = self.status.into();
        match (self.moved, self.held) {
            (true, _) => "moved".to_owned(),
            (false, true) => format!("{status}, held"),
            (false, false) => status.to_owned(),
        }
    }

    fn left(&self) -> bool {
        self.status == EnrolmentStatus::Withdrawn
    }
}

/// Somebody stayed in a week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// Whose.
    pub enrolment_id: EnrolmentId,
    /// As they write it.
    pub name: Personal<String>,
    /// In which week.
    pub week: u8,
    /// Since when.
    pub held_at: DateTime<Utc>,
    /// Who decided it; null is the system.
    pub held_by: Option<PersonRef>,
    /// Why.
    pub reason: Option<Personal<String>>,
    /// When they were released; null where they were not.
    pub released_at: Option<DateTime<Utc>>,
    /// Who decided that.
    pub released_by: Option<PersonRef>,
    /// Why, where it was said.
    pub release_reason: Option<Personal<String>>,
}

/// A student as the roster has them.
#[derive(Debug, Deserialize)]
struct Student {
    enrolment_id: EnrolmentId,
    name: Personal<String>,
    hub: Option<String>,
    status: EnrolmentStatus,
    moved: bool,
    week: u8,
    held: bool,
    attendance: BTreeMap<u8, AttendanceStatus>,
    reflections: BTreeMap<u8, ReflectionState>,
}

/// A cohort's report, if there is such a cohort.
pub async fn get(pool: &PgPool, site: SiteId, cohort: CohortId) -> Result<Option<CohortReport>, QueryError> {
    let Some(cohort) = cohorts::get(pool, site, cohort).await? else { return Ok(None) };
    let sql = "select json_build_object('enrolment_id', r.enrolment_id, 'name', coalesce(p.name, ''), 'hub', h.name,
            'status', r.status, 'moved', r.moved_to is not null, 'week', r.week, 'held', r.held,
            'attendance', r.attendance, 'reflections', r.reflections)
        from roster r
        left join people p on p.site_id = r.site_id and p.person_id = r.person_id
        left join hubs h on h.site_id = r.site_id and h.hub_id = r.hub_id
        where r.site_id = $1 and r.cohort_id = $2
        order by p.name, r.enrolment_id";
    let students: Vec<Student> = fetch(items(sql).bind(site.0).bind(cohort.cohort_id.0), pool).await?;
    let holds = holds::of_cohort(pool, site, cohort.cohort_id).await?;
    Ok(Some(report(cohort, students, holds)))
}

fn report(cohort: CohortItem, students: Vec<Student>, holds: Vec<Hold>) -> CohortReport {
    let cancelled: Vec<u8> = cohort
        .sessions
        .iter()
        .filter(|session| session.session.status == SessionStatus::Cancelled)
        .map(|session| session.week)
        .collect();
    let rows: Vec<StudentReport> = students.into_iter().map(|student| rates::of_student(student, &cancelled)).collect();
    let weeks: Vec<WeekReport> = cohort.sessions.iter().map(|session| rates::of_week(session, &rows)).collect();
    let students = rates::counts(&rows);
    CohortReport {
        cohort_id: cohort.cohort_id,
        name: cohort.name,
        module: cohort.module,
        status: cohort.status,
        starts_on: cohort.starts_on,
        timezone: cohort.timezone,
        students,
        completion: Rate { count: students.completed, of: students.enrolled - students.moved },
        attendance: rows.iter().map(|row| row.attended).sum(),
        reflections: rows.iter().map(|row| row.written).sum(),
        weeks,
        holds,
        rows,
    }
}
