//! A cohort's report, as JSON, for a spreadsheet, and as a page to read and print. For owners and admins: it says who was
//! held and why.

mod chart;
mod html;

use axum::http::HeaderValue;
use rollbook_domain::CohortId;
use rollbook_projections::models::report::{self, CohortReport, StudentReport};

use crate::auth::Admin;
use crate::csv;
use crate::operation::{Document, Operation, document, one};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

pub use html::page;

/// The page brings its styles with it, and nothing else runs or is fetched.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        one("cohort_report", "/v1/cohorts/{cohort_id}/report", "What happened in a cohort, added up", report),
        document(
            "cohort_report_csv",
            "/v1/cohorts/{cohort_id}/report.csv",
            "The report's students for a spreadsheet",
            "text/csv",
            for_spreadsheets,
        ),
        document(
            "cohort_report_page",
            "/v1/cohorts/{cohort_id}/report.html",
            "The report as a page to read and print",
            "text/html",
            to_read,
        ),
    ]
}

/// The report's students as CSV.
pub fn sheet(report: &CohortReport) -> std::io::Result<String> {
    let bytes = csv::write(StudentReport::COLUMNS, &report.rows)?;
    String::from_utf8(bytes).map_err(std::io::Error::other)
}

async fn report(caller: Admin, cohort: CohortId, _: NoFilter) -> Result<CohortReport, ApiError> {
    let Admin(caller) = caller;
    let found = report::get(caller.pool(), caller.site, cohort).await?;
    found.ok_or_else(|| ApiError::not_found("cohort"))
}

async fn for_spreadsheets(caller: Admin, cohort: CohortId, asked: NoFilter) -> Result<Document, ApiError> {
    let report = report(caller, cohort, asked).await?;
    let body = sheet(&report).map_err(|error| ApiError::internal(&error))?;
    Ok(Document { media_type: csv::MEDIA_TYPE, policy: None, body })
}

async fn to_read(caller: Admin, cohort: CohortId, asked: NoFilter) -> Result<Document, ApiError> {
    let body = page(&report(caller, cohort, asked).await?);
    Ok(Document { media_type: "text/html; charset=utf-8", policy: Some(POLICY), body })
}
