//! Where exported rows come from: the log by position, the roster in one reading, the audit page by page. They go to analysts of one
//! school: which others there are is not among them.

use futures::stream::{BoxStream, try_unfold};
use futures::{StreamExt, TryStreamExt};
use rollbook_domain::{CohortId, SiteId, SyllabusId, WeekEmailsId};
use rollbook_projections::Page;
use rollbook_projections::logged::event_items;
use rollbook_projections::models::audit_trail::{self, AuditFilter};
use rollbook_projections::models::roster;
use rollbook_store::{EventStore, LogView, Position};
use serde::Serialize;
use serde_json::Value;

use crate::cli::Exported;
use crate::failure::{Done, Failure};

/// How many rows are read at a time.
const BATCH: usize = 1_000;
/// The same, as the log counts.
const READ: Position = 1_000;

/// Some rows, in their order.
pub struct Batch {
    /// The rows.
    pub rows: Vec<Value>,
    /// How far the whole is with them, of [`Source::steps`].
    pub step: u64,
}

/// The rows of a table.
pub struct Source<'s> {
    /// The rows, some at a time.
    pub batches: BoxStream<'s, Done<Batch>>,
    /// How far it goes.
    pub steps: u64,
}

/// The rows of a site up to a position, or of one of its cohorts.
pub async fn source(
    store: &EventStore,
    site: SiteId,
    what: Exported,
    cohort: Option<CohortId>,
    head: Position,
) -> Done<Source<'_>> {
    let batches = match (what, cohort) {
        (Exported::Events, None) => log(store, site, head),
        (Exported::Events, Some(cohort)) => log_of(store, site, cohort, head).await?,
        (Exported::Audit, cohort) => audit(store, site, cohort),
        (Exported::Roster, cohort) => {
            let rows = roster::enrolments(store.pool(), site, cohort).await?.len();
            return Ok(Source { batches: rosters(store, site, cohort), steps: rows as u64 });
        }
    };
    Ok(Source { batches, steps: steps(head) })
}

fn log(store: &EventStore, site: SiteId, head: Position) -> BoxStream<'_, Done<Batch>> {
    let batches = try_unfold(0, move |after: Position| async move {
        let mut events = store.read_site(site, after, READ, LogView::WithoutRegistry).await?.events;
        events.retain(|event| event.position <= head);
        let Some(last) = events.last().map(|event| event.position) else { return Ok(None) };
        let items = event_items(store.pool(), site, events).await?;
        Ok(Some((batch(&items, steps(last))?, last)))
    });
    batches.boxed()
}

async fn log_of(
    store: &EventStore,
    site: SiteId,
    cohort: CohortId,
    head: Position,
) -> Done<BoxStream<'_, Done<Batch>>> {
    let enrolments = roster::enrolments(store.pool(), site, Some(cohort)).await?;
    let own = [cohort.into(), SyllabusId::from(cohort).into(), WeekEmailsId::from(cohort).into()];
    let streams = enrolments.into_iter().map(Into::into).chain(own).collect();
    let events = store.streams(site, &streams, head).try_chunks(BATCH);
    let batches = events.map_err(|broken| Failure::from(broken.1)).and_then(move |events| async move {
        let last = events.last().map_or(0, |event| event.position);
        batch(&event_items(store.pool(), site, events).await?, steps(last))
    });
    Ok(batches.boxed())
}

fn audit(store: &EventStore, site: SiteId, cohort: Option<CohortId>) -> BoxStream<'_, Done<Batch>> {
    let first = Page { limit: Page::MAX_LIMIT, after: None };
    let batches = try_unfold(Some(first), move |page| async move {
        let Some(page) = page else { return Ok(None) };
        let filter = AuditFilter { cohort_id: cohort, ..AuditFilter::default() };
        let paged = audit_trail::list(store.pool(), site, &filter, &page).await?;
        let last = paged.items.last().map_or(0, |item| item.position);
        Ok(Some((batch(&paged.items, steps(last))?, paged.next.map(|next| page.after(next)))))
    });
    batches.boxed()
}

fn rosters(store: &EventStore, site: SiteId, cohort: Option<CohortId>) -> BoxStream<'_, Done<Batch>> {
    let lines = roster::lines(store.pool(), site, cohort).try_chunks(BATCH);
    let mut read = 0;
    let batches = lines.map_err(|broken| Failure::from(broken.1)).map(move |lines| {
        let lines = lines?;
        read += lines.len() as u64;
        batch(&lines, read)
    });
    batches.boxed()
}

fn batch<T: Serialize>(items: &[T], step: u64) -> Done<Batch> {
    let rows = items.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    Ok(Batch { rows, step })
}

/// How far a position is.
fn steps(position: Position) -> u64 {
    u64::try_from(position).unwrap_or_default()
}
