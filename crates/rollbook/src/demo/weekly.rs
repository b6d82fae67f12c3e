//! What the demo shows of the week's work: what a week shows its students, who would go on, what became of the emails, and
//! what it all adds up to.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rollbook_domain::SiteId;
use rollbook_domain::cohort::CohortStatus;
use rollbook_mail::Settings;
use rollbook_projections::Page;
use rollbook_projections::models::advancement::{self, Proposed};
use rollbook_projections::models::emails::{self, EmailFilter};
use rollbook_projections::models::{report, syllabus};
use rollbook_store::EventStore;

use super::calendar::LAST_WEEK;
use super::cast::Cast;
use crate::commands::report::summary;
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::table;

/// Shows all of it.
pub async fn show(store: &EventStore, cast: &Cast, mail: &Settings, now: DateTime<Utc>) -> Done {
    materials(store, cast).await?;
    sheet(store, cast).await?;
    sent(store, cast, mail, now).await?;
    let found = report::get(store.pool(), SiteId::DEFAULT, cast.cohort).await?;
    let report = found.filter(|report| report.status != CohortStatus::Cancelled);
    let report = report.ok_or_else(|| Failure::new("the cohort of the demo is not there"))?;
    output::line(&format!(
        "\nThe report so far (`rollbook report cohort {}` has all of it)\n{}",
        cast.cohort,
        summary(&report)
    ))
}

async fn materials(store: &EventStore, cast: &Cast) -> Done {
    let week = syllabus::of_week(store.pool(), SiteId::DEFAULT, cast.cohort, LAST_WEEK).await?;
    let week = week.ok_or_else(|| Failure::new(format!("week {LAST_WEEK} shows nothing")))?;
    let mut shown = table(&[">", "kind", "title"]);
    for (position, material) in (1..).zip(&week.materials) {
        let kind: &str = material.content.kind().into();
        shown.add_row([format!("{position}"), kind.to_owned(), material.title.clone()]);
    }
    let asks = week.question.as_deref().unwrap_or("nothing");
    let heading = format!("\nWhat week {LAST_WEEK} shows its students, and asks: “{asks}”");
    output::line(&format!("{heading}\n{}", shown.trim_fmt()))
}

async fn sheet(store: &EventStore, cast: &Cast) -> Done {
    let page = Page { limit: Page::MAX_LIMIT, after: None };
    let to_week = LAST_WEEK + 1;
    let sheet = advancement::list(store.pool(), SiteId::DEFAULT, cast.cohort, to_week, &page).await;
    let sheet = sheet.map_err(Failure::new)?.items;
    let count = |proposed| sheet.iter().filter(|item| item.proposed == proposed).count();
    let mut shown = table(&["would stay", "because"]);
    for item in sheet.iter().filter(|item| item.proposed == Proposed::Hold) {
        let why = item.why.as_ref().map_or("", |why| why.as_str()).to_owned();
        shown.add_row([item.name.as_str().to_owned(), why]);
    }
    let (go, stay) = (count(Proposed::Advance), count(Proposed::Hold));
    let heading = format!("\nIf week {to_week} opened now: {go} would go on, {stay} would stay");
    output::line(&format!("{heading}\n{}", shown.trim_fmt()))
}

async fn sent(store: &EventStore, cast: &Cast, mail: &Settings, now: DateTime<Utc>) -> Done {
    let mut page = Page { limit: Page::MAX_LIMIT, after: None };
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    loop {
        let filter = EmailFilter::default();
        let found = emails::list(store.pool(), SiteId::DEFAULT, cast.cohort, now, &filter, &page).await;
        let found = found.map_err(Failure::new)?;
        for email in &found.items {
            *counts.entry((email.kind.into(), email.status.into())).or_default() += 1;
        }
        match found.next {
            Some(next) => page = page.after(next),
            None => break,
        }
    }
    let mut shown = table(&["email", "became", ">how many"]);
    for ((kind, status), count) in counts {
        shown.add_row([kind.replace('_', " "), status.to_owned(), count.to_string()]);
    }
    let heading = format!("\nThe emails, as files in {}", mail.directory.display());
    output::line(&format!("{heading}\n{}", shown.trim_fmt()))
}
