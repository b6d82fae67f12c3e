//! What the demo shows of its read models: the roster, the open flags, a marker's queue, the audit of a held student.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use rollbook_domain::enrolment::{AttendanceStatus, EnrolmentStatus};
use rollbook_domain::policy::RosterScope;
use rollbook_domain::{PersonId, SiteId};
use rollbook_projections::Page;
use rollbook_projections::models::absence_flags;
use rollbook_projections::models::audit_trail::AuditFilter;
use rollbook_projections::models::marking_queue::{self, QueueFilter};
use rollbook_projections::models::roster::{self, ReflectionState, RosterFilter, RosterItem};
use rollbook_store::EventStore;

use super::calendar::LAST_WEEK;
use super::cast::Cast;
use super::fixture::Fixture;
use crate::commands::audit;
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::table;

/// How many lines of the queue are shown.
const SHOWN_OF_QUEUE: usize = 10;
/// How much of a reflection is shown.
const SHOWN_OF_TEXT: usize = 56;

/// Shows all of it.
pub async fn show(store: &EventStore, fixture: &Fixture, cast: &Cast) -> Done {
    let filter = RosterFilter::all(RosterScope::Whole);
    let roster =
        roster::list(store.pool(), SiteId::DEFAULT, cast.cohort, &filter, &whole()).await.map_err(Failure::new)?.items;
    let markers: BTreeMap<PersonId, &str> =
        cast.markers.iter().copied().zip(fixture.staff.markers.iter().map(|marker| marker.name.as_str())).collect();
    output::line(&roster_table(fixture, &roster, &markers)?)?;
    flags(store, cast, &roster).await?;
    if let Some((marker, name)) = cast.markers.first().zip(fixture.staff.markers.first()) {
        queue(store, *marker, name.name.as_str()).await?;
    }
    // Of those who are held, the one with the longest story.
    let mut longest = Vec::new();
    for student in cast.students.iter().filter(|s| roster.iter().any(|row| row.held && row.enrolment_id == s.enrolment))
    {
        let filter = AuditFilter { enrolment_id: Some(student.enrolment), ..AuditFilter::default() };
        let items = audit::at_most(store, SiteId::DEFAULT, &filter, usize::MAX).await?;
        if items.len() > longest.len() {
            longest = items;
        }
    }
    if let Some(first) = longest.first() {
        let heading = format!("\nThe audit of {}, who is held", first.subject.name.as_str());
        output::line(&format!("{heading}\n{}", audit::as_table(&longest, false)))?;
    }
    Ok(())
}

fn whole() -> Page {
    Page { limit: Page::MAX_LIMIT, after: None }
}

fn roster_table(fixture: &Fixture, roster: &[RosterItem], markers: &BTreeMap<PersonId, &str>) -> Done<String> {
    let mut shown = table(&["name", "hub", ">week", "", "sessions", ">absent", "", "marker", "reflections"]);
    for row in roster {
        let marker = row.marker_id.and_then(|id| markers.get(&id)).copied().unwrap_or_default();
        shown.add_row([
            row.name.as_str().to_owned(),
            row.hub.clone().unwrap_or_else(|| "Flagship".to_owned()),
            row.week.to_string(),
            standing(row).to_owned(),
            by_week(&row.attendance.read().map_err(Failure::new)?, |status| match status {
                AttendanceStatus::Present => '✓',
                AttendanceStatus::Late => 'l',
                AttendanceStatus::Absent => 'A',
                AttendanceStatus::Excused => 'e',
            }),
            row.absences.to_string(),
            if row.flagged { "flag".to_owned() } else { String::new() },
            marker.to_owned(),
            by_week(&row.reflections.read().map_err(Failure::new)?, |state| match state {
                ReflectionState::Submitted => 's',
                ReflectionState::Pass => 'p',
                ReflectionState::Fail => 'f',
            }),
        ]);
    }
    Ok(format!(
        "\nThe roster of “{}”: {} students\n{}\nsessions 1 to {LAST_WEEK}: ✓ there, l late, A absent, e excused, · \
         not marked   reflections: s handed in, p pass, f fail, · none",
        fixture.cohort.name.as_str(),
        roster.len(),
        shown.trim_fmt()
    ))
}

fn standing(row: &RosterItem) -> &'static str {
    match row.status {
        EnrolmentStatus::Active if row.held => "held",
        EnrolmentStatus::Active => "",
        EnrolmentStatus::Withdrawn => "withdrawn",
        EnrolmentStatus::Completed => "completed",
    }
}

fn by_week<T: Copy>(weeks: &BTreeMap<u8, T>, mark: impl Fn(T) -> char) -> String {
    (1..=LAST_WEEK).map(|week| weeks.get(&week).copied().map_or('·', &mark)).collect()
}

async fn flags(store: &EventStore, cast: &Cast, roster: &[RosterItem]) -> Done {
    let flags = absence_flags::list(store.pool(), SiteId::DEFAULT, cast.cohort, &RosterScope::Whole, &whole())
        .await
        .map_err(Failure::new)?
        .items;
    let mut shown = table(&["name", "missed weeks", "raised (UTC)", ">now in week", ""]);
    let open: Vec<_> = flags.iter().filter(|f| f.cleared_at.is_none() && f.resolved_at.is_none()).collect();
    for flag in &open {
        let row = roster.iter().find(|row| row.enrolment_id == flag.enrolment_id);
        shown.add_row([
            flag.name.as_str().to_owned(),
            weeks(&flag.missed_weeks),
            flag.raised_at.format("%F %H:%M").to_string(),
            row.map(|row| row.week.to_string()).unwrap_or_default(),
            row.map(standing).unwrap_or_default().to_owned(),
        ]);
    }
    let past = flags.len() - open.len();
    let heading = format!("\nOpen absence flags: {} ({past} more were cleared or resolved)", open.len());
    output::line(&format!("{heading}\n{}", shown.trim_fmt()))
}

fn weeks(missed: &BTreeSet<u8>) -> String {
    let weeks: Vec<_> = missed.iter().map(u8::to_string).collect();
    weeks.join(", ")
}

async fn queue(store: &EventStore, marker: PersonId, name: &str) -> Done {
    let filter = QueueFilter { marker_id: Some(marker), ..QueueFilter::default() };
    let waiting =
        marking_queue::list(store.pool(), SiteId::DEFAULT, &filter, &whole()).await.map_err(Failure::new)?.items;
    let mut shown = table(&["handed in (UTC)", "student", ">week", "text"]);
    for item in waiting.iter().take(SHOWN_OF_QUEUE) {
        shown.add_row([
            item.submitted_at.format("%F %H:%M").to_string(),
            item.name.as_str().to_owned(),
            item.week.to_string(),
            beginning(item.text.as_str()),
        ]);
    }
    let heading = format!("\nThe marking queue of {name}: {} reflections, oldest first", waiting.len());
    let mut text = format!("{heading}\n{}", shown.trim_fmt());
    let more = waiting.len().saturating_sub(SHOWN_OF_QUEUE);
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, "\nand {more} more");
    }
    output::line(&text)
}

/// The beginning of a text, in one line.
fn beginning(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(SHOWN_OF_TEXT) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}
