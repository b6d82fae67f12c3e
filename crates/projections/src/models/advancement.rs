//! The advancement sheet: what opening a week would bring each student. It proposes; only commands decide, by the same
//! rule.

use std::collections::{BTreeMap, BTreeSet};

use rollbook_domain::cohort::{Candidate, Proposal, propose};
use rollbook_domain::enrolment::AttendanceStatus;
use rollbook_domain::{CohortId, EnrolmentId, Personal, SiteId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{fetch, items, roster};
use crate::{Page, Paged, QueryError};

/// A student in the sheet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SheetItem {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// As they write it.
    pub name: Personal<String>,
    /// What the week would bring them.
    pub proposed: Proposed,
    /// Why; null for who goes on.
    pub why: Option<Personal<String>>,
}

/// What a week would bring a student.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proposed {
    /// They go on.
    Advance,
    /// They stay: they are held already, or would be.
    Hold,
    /// It does not concern them.
    Untouched,
}

#[derive(Deserialize)]
struct Student {
    enrolment_id: EnrolmentId,
    name: Personal<String>,
    week: u8,
    held: bool,
    held_reason: Option<Personal<String>>,
    flagged: bool,
    attendance: BTreeMap<u8, AttendanceStatus>,
}

impl Student {
    fn proposal(self, to_week: u8) -> SheetItem {
        let missed = self.attendance.iter().filter(|(_, status)| **status == AttendanceStatus::Absent);
        let missed: BTreeSet<u8> = missed.map(|(week, _)| *week).collect();
        let candidate = Candidate {
            active: true,
            week: self.week,
            held: self.held.then(|| self.held_reason.map_or_else(String::new, Personal::into_inner)),
            open_flag: self.flagged.then_some(missed),
        };
        let (proposed, why) = match propose(&candidate, to_week) {
            Proposal::Advance => (Proposed::Advance, None),
            Proposal::Hold { reason } | Proposal::StaysHeld { reason } => (Proposed::Hold, Some(reason.into())),
            Proposal::Untouched { why } => (Proposed::Untouched, Some(why.into())),
        };
        SheetItem { enrolment_id: self.enrolment_id, name: self.name, proposed, why }
    }
}

/// The sheet of a cohort's active students for the week that would open, by name.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    to_week: u8,
    page: &Page,
) -> Result<Paged<SheetItem>, QueryError> {
    let (name, id) = page.sorted_id(pool, site, roster::NAME_OF).await?;
    let sql = "select row_to_json(q) from (
            select r.enrolment_id, coalesce(p.name, '') as name, r.week, r.held, r.held_reason, r.flagged, r.attendance
            from roster r left join people p on p.site_id = r.site_id and p.person_id = r.person_id
            where r.site_id = $1 and r.cohort_id = $2 and r.status = 'active'
                and ($3::text is null or (coalesce(p.name, ''), r.enrolment_id) > ($3, $4))
            order by coalesce(p.name, ''), r.enrolment_id limit $5
        ) q";
    let query = items::<Student>(sql).bind(site.0).bind(cohort.0).bind(name).bind(id).bind(page.rows());
    let students = page.cut(fetch(query, pool).await?, |student| student.enrolment_id.to_string());
    let items = students.items.into_iter().map(|student| student.proposal(to_week)).collect();
    Ok(Paged { items, next: students.next })
}
