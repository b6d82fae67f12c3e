//! What a cohort shows, week by week, to whoever may see it. A week that is not open yet is answered as one that there
//! is not, by whatever path it is asked for.

mod item;
mod markdown;

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::get;
use rollbook_domain::cohort::Week;
use rollbook_domain::policy::Weeks;
use rollbook_domain::{CohortId, MaterialId, Personal};
use rollbook_files::CheckedFile;
use rollbook_projections::models::cohorts::SessionItem;
use rollbook_projections::models::reader::furthest;
use rollbook_projections::models::syllabus::{self, Row, SyllabusDiff};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;

use self::item::{Shown, SyllabusItem, WeekItem, WeekSession};
use crate::address::At;
use crate::auth::Caller;
use crate::files::{self, FileAsked};
use crate::operation::{Audience, Operation, Success, one, position_header};
use crate::problem::ApiError;
use crate::query_params::{AtLeast, NoFilter, QueryParams};
use crate::state::AppState;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        one("syllabus", "/v1/cohorts/{cohort_id}/syllabus", "What you see of a cohort's syllabus, week by week", all),
        one(
            "syllabus_diff",
            "/v1/cohorts/{cohort_id}/syllabus/diff",
            "What a cohort's syllabus has more, less and otherwise than another's",
            diff,
        ),
        one(
            "week",
            "/v1/cohorts/{cohort_id}/weeks/{week}",
            "A week that is open to you: its session, its materials, its reflection question",
            week,
        ),
        Operation {
            id: "material_file",
            method: "get",
            path: "/v1/cohorts/{cohort_id}/materials/{material_id}/file".to_owned(),
            summary: "The file of a document or an image of a week that is open to you, whole or in part".to_owned(),
            audience: Audience::Bearers,
            address: &[SchemaGenerator::subschema_for::<CohortId>, SchemaGenerator::subschema_for::<MaterialId>],
            query: vec![AtLeast::json_schema, FileAsked::json_schema],
            headers: &[],
            command: None,
            body: None,
            upload: &[],
            success: Success::Other("application/octet-stream"),
            takes_long: false,
            route: get(file),
        },
    ]
}

/// Against which cohort.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DiffAsked {
    /// The run to compare with, such as the one that it was copied from.
    against: CohortId,
}

impl Caller {
    /// How much of a cohort's syllabus the caller sees.
    async fn weeks(&self, cohort: CohortId) -> Result<Weeks, ApiError> {
        self.sees(cohort)?;
        let furthest = furthest(self.pool(), self.site, cohort, &self.reader.coordinates).await?;
        Ok(self.reader.syllabus(cohort, furthest))
    }

    /// All weeks of a cohort's syllabus, for those who see them.
    async fn whole_syllabus(&self, cohort: CohortId) -> Result<Vec<Row>, ApiError> {
        if self.weeks(cohort).await? != Weeks::All {
            return Err(ApiError::Forbidden("syllabi are compared by those who see all weeks of both"));
        }
        self.cohort(cohort).await?;
        Ok(syllabus::of_cohort(self.pool(), self.site, cohort).await?)
    }
}

async fn all(caller: Caller, cohort: CohortId, _: NoFilter) -> Result<SyllabusItem, ApiError> {
    let open = caller.weeks(cohort).await?;
    let sessions = caller.cohort(cohort).await?.sessions;
    let mut rows: BTreeMap<u8, Row> = BTreeMap::new();
    for row in syllabus::of_cohort(caller.pool(), caller.site, cohort).await? {
        rows.insert(row.week, row);
    }
    let mut reasons = syllabus::reasons(caller.pool(), caller.site, cohort).await?;
    let shown = Shown { pages: false, descent: open == Weeks::All };
    let version = rows.values().map(|row| row.version).max().unwrap_or(0);
    let mut weeks = Vec::new();
    for session in sessions.into_iter().filter(|session| open.include(session.week)) {
        let (row, reason) = (rows.get(&session.week), reasons.remove(&session.week));
        weeks.push(shown_week(row, reason, session, shown).await?);
    }
    Ok(SyllabusItem {
        cohort_id: cohort,
        version: (open == Weeks::All).then_some(version),
        editable: caller.reader.edits_syllabus(cohort),
        weeks,
    })
}

async fn week(caller: Caller, (cohort, week): (CohortId, Week), _: NoFilter) -> Result<WeekItem, ApiError> {
    let open = caller.weeks(cohort).await?;
    let sessions = caller.cohort(cohort).await?.sessions;
    let week = week.get();
    let session = sessions.into_iter().find(|session| session.week == week && open.include(week));
    let session = session.ok_or_else(|| ApiError::not_found("week"))?;
    let row = syllabus::of_week(caller.pool(), caller.site, cohort, week).await?;
    let reason = syllabus::reasons(caller.pool(), caller.site, cohort).await?.remove(&week);
    let shown = Shown { pages: true, descent: open == Weeks::All };
    shown_week(row.as_ref(), reason, session, shown).await
}

async fn shown_week(
    row: Option<&Row>,
    reason: Option<Personal<String>>,
    session: SessionItem,
    shown: Shown,
) -> Result<WeekItem, ApiError> {
    let SessionItem { week, session } = session;
    Ok(WeekItem {
        week,
        session: WeekSession { session, reason },
        question: row.and_then(|row| row.question.clone()),
        materials: if let Some(row) = row { item::materials(row, shown).await? } else { Vec::new() },
    })
}

async fn diff(caller: Caller, cohort: CohortId, asked: DiffAsked) -> Result<SyllabusDiff, ApiError> {
    let here = caller.whole_syllabus(cohort).await?;
    let there = caller.whole_syllabus(asked.against).await?;
    Ok(syllabus::compare((cohort, &here), (asked.against, &there)))
}

/// A file of a week that is not open, one that was removed, and one that never was are one and the same.
async fn file(
    State(state): State<AppState>,
    caller: Caller,
    At((cohort, material)): At<(CohortId, MaterialId)>,
    mut asked: QueryParams,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let at_least = asked.at_least()?;
    let FileAsked { format } = asked.filter()?;
    let position = state.read_at(at_least).await?;
    let open = caller.weeks(cohort).await?;
    let found = syllabus::file(caller.pool(), caller.site, cohort, material).await?;
    let found = found.filter(|found| open.include(found.week)).ok_or_else(|| ApiError::not_found("file"))?;
    let file = CheckedFile::try_new(caller.site, found.upload_id.0, found.file)?;
    let mut response = files::answer(&state, &file, format.is_some(), &headers, &method).await?;
    response.headers_mut().extend(position_header(position));
    Ok(response)
}
