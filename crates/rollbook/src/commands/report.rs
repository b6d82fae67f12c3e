//! `rollbook report`: what happened in a cohort, added up. It shows personal data to whoever holds the database.

use std::io::Write;

use chrono::{DateTime, Utc};
use rollbook_domain::site::Slug;
use rollbook_http::{report_page, report_sheet};
use rollbook_projections::models::PersonRef;
use rollbook_projections::models::report::{self, CohortReport, Hold};

use crate::catch_up::catch_up;
use crate::cli::{Report, ReportFormat};
use crate::database::Database;
use crate::export::output::Output;
use crate::failure::{Done, Failure};
use crate::table::table;

/// Prints the report.
pub async fn run(database: &Database, site: &Slug, command: &Report) -> Done {
    let Report::Cohort(arguments) = command;
    let (store, site) = database.of_site(site).await?;
    catch_up(&store).await?;
    let found = report::get(store.pool(), site, arguments.cohort).await?;
    let report = found.ok_or_else(|| Failure::new(format!("there is no cohort {}", arguments.cohort)))?;
    let text = match arguments.format {
        ReportFormat::Table => as_tables(&report),
        ReportFormat::Csv => report_sheet(&report)?,
        ReportFormat::Html => report_page(&report),
        ReportFormat::Json => serde_json::to_string_pretty(&report)? + "\n",
    };
    let mut place = Output::open(arguments.out.as_deref())?;
    place.write_all(text.as_bytes())?;
    place.done()
}

/// The report for a terminal.
fn as_tables(report: &CohortReport) -> String {
    format!(
        "{}: {}\n{}\n\nHeld\n{}\n\nStudents\n{}\n",
        report.module,
        report.name,
        summary(report),
        holds(report),
        students(report),
    )
}

/// The figures of the whole, and week by week.
pub fn summary(report: &CohortReport) -> String {
    let counts = report.students;
    format!(
        "{} students: {} on their way, {} completed ({}), {} withdrawn, {} moved on; attendance {}, reflections {}\n{}",
        counts.enrolled,
        counts.active,
        counts.completed,
        report.completion,
        counts.withdrawn,
        counts.moved,
        report.attendance,
        report.reflections,
        weeks(report),
    )
}

fn weeks(report: &CohortReport) -> String {
    let headings = [
        ">week",
        "session",
        ">present",
        ">late",
        ">excused",
        ">absent",
        ">unmarked",
        ">came",
        ">passed",
        ">waiting",
        ">failed",
        ">wrote",
    ];
    let mut shown = table(&headings);
    for week in &report.weeks {
        let counts = [week.present, week.late, week.excused, week.absent, week.unmarked].map(|count| count.to_string());
        let written = [week.passed, week.submitted, week.failed].map(|count| count.to_string());
        let row = [week.week.to_string(), local(report, week.starts_at)].into_iter().chain(counts);
        shown.add_row(row.chain([week.attendance.to_string()]).chain(written).chain([week.reflections.to_string()]));
    }
    shown.trim_fmt()
}

fn holds(report: &CohortReport) -> String {
    if report.holds.is_empty() {
        return "nobody".to_owned();
    }
    let mut shown = table(&["student", ">week", "held", "by", "why", "released", "by"]);
    for hold in &report.holds {
        let Hold { name, week, held_at, held_by, reason, released_at, released_by, .. } = hold;
        let (at, by) = match released_at {
            Some(at) => (local(report, *at), person(released_by.as_ref())),
            None => ("–".to_owned(), "–".to_owned()),
        };
        let reason = reason.as_ref().map_or("–", |reason| reason.reveal()).to_owned();
        let held = [name.reveal().clone(), week.to_string(), local(report, *held_at), person(held_by.as_ref()), reason];
        shown.add_row(held.into_iter().chain([at, by]));
    }
    shown.trim_fmt()
}

fn students(report: &CohortReport) -> String {
    let mut shown = table(&["name", "hub", "stands", ">week", ">came", ">wrote"]);
    for row in &report.rows {
        let hub = row.hub.as_deref().unwrap_or("flagship").to_owned();
        let (week, came, wrote) = (row.week.to_string(), row.attended.to_string(), row.written.to_string());
        shown.add_row([row.name.reveal().clone(), hub, row.stands(), week, came, wrote]);
    }
    shown.trim_fmt()
}

fn person(person: Option<&PersonRef>) -> String {
    person.map_or("the system", |person| person.name.as_str()).to_owned()
}

fn local(report: &CohortReport, at: DateTime<Utc>) -> String {
    at.with_timezone(&report.timezone.tz()).format("%F %H:%M").to_string()
}
