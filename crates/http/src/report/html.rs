//! The report as one page that needs nothing else: no script, no font, no picture from elsewhere. Everything that people
//! wrote is escaped by the template.

use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rollbook_domain::cohort::SessionStatus;
use rollbook_domain::enrolment::AttendanceStatus;
use rollbook_projections::models::PersonRef;
use rollbook_projections::models::report::{CohortReport, Hold, StudentReport, WeekReport};
use rollbook_projections::models::roster::ReflectionState;

use super::chart::{Column, Part, columns};

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn page(report: &CohortReport) -> String {
    let title = format!("{}: {}", report.module, report.name);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p { "From " (report.starts_on) ", " (report.weeks.len()) " weeks, " (words(report.status.into())) ". All times are those of " (report.timezone) "." }
                (figures(report))
                h2 { "Attendance" }
                (attendance(report))
                h2 { "Reflections" }
                (reflections(report))
                h2 { "Held" }
                (holds(report))
                h2 { "Students" }
                (students(report))
            }
        }
    };
    markup.into_string()
}

fn figures(report: &CohortReport) -> Markup {
    let counts = report.students;
    let each = [
        ("students", counts.enrolled.to_string()),
        ("on their way", counts.active.to_string()),
        ("completed", format!("{} ({})", counts.completed, report.completion)),
        ("withdrawn", counts.withdrawn.to_string()),
        ("moved on to another cohort", counts.moved.to_string()),
        ("attendance", report.attendance.to_string()),
        ("reflections written", report.reflections.to_string()),
    ];
    html! {
        dl.figures { @for (name, value) in each { div { dt { (name) } dd { (value) } } } }
        p.note {
            "Attendance counts who came, on time or late, of those who were expected: who is excused or not marked does not \
             count. Reflections count up to the week that each student came to."
        }
    }
}

fn attendance(report: &CohortReport) -> Markup {
    const PARTS: [Part; 4] = [
        Part { name: "present", class: "good" },
        Part { name: "late", class: "fair" },
        Part { name: "excused", class: "calm" },
        Part { name: "absent", class: "bad" },
    ];
    let column = |week: &WeekReport| Column {
        label: if week.session == SessionStatus::Cancelled {
            format!("{} ✕", week.week)
        } else {
            week.week.to_string()
        },
        note: week.attendance.to_string(),
        sizes: vec![week.present, week.late, week.excused, week.absent],
    };
    html! {
        (columns("Attendance by week", &PARTS, &report.weeks.iter().map(column).collect::<Vec<_>>()))
        table {
            thead { tr { th { "Week" } th { "Session" } @for part in PARTS { th.number { (part.name) } } th.number { "not marked" } th.number { "came" } } }
            tbody {
                @for week in &report.weeks {
                    tr {
                        td { (week.week) }
                        td { (local(report, week.starts_at)) @match week.session {
                            SessionStatus::Scheduled => {},
                            SessionStatus::Rescheduled => { " (moved)" },
                            SessionStatus::Cancelled => { " (cancelled)" },
                        } }
                        @for count in [week.present, week.late, week.excused, week.absent, week.unmarked] { td.number { (count) } }
                        td.number { (week.attendance) }
                    }
                }
            }
        }
    }
}

fn reflections(report: &CohortReport) -> Markup {
    const PARTS: [Part; 3] = [
        Part { name: "passed", class: "good" },
        Part { name: "waiting", class: "calm" },
        Part { name: "failed", class: "bad" },
    ];
    let column = |week: &WeekReport| Column {
        label: week.week.to_string(),
        note: week.reflections.to_string(),
        sizes: vec![week.passed, week.submitted, week.failed],
    };
    columns("Reflections by week", &PARTS, &report.weeks.iter().map(column).collect::<Vec<_>>())
}

fn holds(report: &CohortReport) -> Markup {
    if report.holds.is_empty() {
        return html! { p { "Nobody was held." } };
    }
    html! {
        table {
            thead { tr { th { "Student" } th.number { "Week" } th { "Held" } th { "Why" } th { "Released" } } }
            tbody { @for hold in &report.holds { (held(report, hold)) } }
        }
    }
}

fn held(report: &CohortReport, hold: &Hold) -> Markup {
    html! {
        tr {
            td { (hold.name.reveal()) }
            td.number { (hold.week) }
            td { (local(report, hold.held_at)) " by " (by(hold.held_by.as_ref())) }
            td { @if let Some(reason) = &hold.reason { (reason.reveal()) } }
            td {
                @if let Some(at) = hold.released_at {
                    (local(report, at)) " by " (by(hold.released_by.as_ref()))
                    @if let Some(reason) = &hold.release_reason { ": " (reason.reveal()) }
                } @else { "–" }
            }
        }
    }
}

fn students(report: &CohortReport) -> Markup {
    html! {
        table.students {
            thead {
                tr {
                    th { "Name" } th { "Hub" } th { "Stands" } th.number { "Week" }
                    @for week in &report.weeks { th.mark { (week.week) } }
                    th.number { "Came" } th.number { "Wrote" }
                }
            }
            tbody { @for row in &report.rows { (student(report, row)) } }
        }
        p.note { "P present, L late, E excused, A absent. A dot below says that the reflection was written: full where it passed." }
    }
}

fn student(report: &CohortReport, row: &StudentReport) -> Markup {
    html! {
        tr {
            td { (row.name.reveal()) }
            td { (row.hub.as_deref().unwrap_or("flagship")) }
            td { (row.stands()) }
            td.number { (row.week) }
            @for week in &report.weeks {
                td.mark {
                    @if let Some(status) = row.attendance.get(&week.week) { (letter(*status)) }
                    @if let Some(state) = row.reflections.get(&week.week) { br; (dot(*state)) }
                }
            }
            td.number { (row.attended) }
            td.number { (row.written) }
        }
    }
}

fn letter(status: AttendanceStatus) -> Markup {
    let (letter, class, name) = match status {
        AttendanceStatus::Present => ("P", "good", "present"),
        AttendanceStatus::Late => ("L", "fair", "late"),
        AttendanceStatus::Excused => ("E", "calm", "excused"),
        AttendanceStatus::Absent => ("A", "bad", "absent"),
    };
    html! { abbr class=(class) title=(name) { (letter) } }
}

fn dot(state: ReflectionState) -> Markup {
    let (dot, name) = match state {
        ReflectionState::Pass => ("●", "the reflection passed"),
        ReflectionState::Submitted => ("○", "the reflection waits"),
        ReflectionState::Fail => ("◌", "the reflection failed"),
    };
    html! { abbr title=(name) { (dot) } }
}

fn by(person: Option<&PersonRef>) -> String {
    person.map_or_else(|| "the system".to_owned(), |person| person.name.reveal().clone())
}

fn local(report: &CohortReport, at: DateTime<Utc>) -> String {
    at.with_timezone(&report.timezone.tz()).format("%-d %b %Y, %H:%M").to_string()
}

/// The name of a value as people write it.
fn words(name: &'static str) -> String {
    name.replace('_', " ")
}
