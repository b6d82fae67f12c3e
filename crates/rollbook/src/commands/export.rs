//! `rollbook export`: the log, the rosters or the audit as a table for analysts. It shows personal data to whoever holds the
//! database.

use std::io::{IsTerminal, stdout};
use std::time::Instant;

use futures::TryStreamExt;
use rollbook_domain::site::Slug;
use rollbook_domain::{CohortId, SiteId};
use rollbook_projections::models::cohorts;
use rollbook_store::EventStore;

use crate::catch_up::catch_up;
use crate::cli::{Export, ExportFormat, Exported};
use crate::database::Database;
use crate::export::output::Output;
use crate::export::source::source;
use crate::export::table::columns;
use crate::export::writer::Writer;
use crate::failure::{Done, Failure};
use crate::progress::Progress;

/// Writes what was asked for.
pub async fn run(database: &Database, site: &Slug, arguments: &Export) -> Done {
    if arguments.format == ExportFormat::Parquet && arguments.out.is_none() && stdout().is_terminal() {
        return Err(Failure::new("Parquet is not for a terminal: give --out FILE, or send it on"));
    }
    let (store, site) = database.of_site(site).await?;
    let head = catch_up(&store).await?;
    if let Some(cohort) = arguments.cohort {
        known(&store, site, cohort).await?;
    }
    let what = name(arguments.what);
    let place = Output::open(arguments.out.as_deref())?;
    let notes = [("rollbook.table", what.to_owned()), ("rollbook.position", head.to_string())];
    let mut writer = Writer::start(arguments.format, columns(arguments.what), &notes, place)?;
    let mut source = source(&store, site, arguments.what, arguments.cohort, head).await?;

    let progress = Progress::start(source.steps);
    progress.plain_line(format!("exporting the {what} up to position {head}"));
    let (began, mut rows) = (Instant::now(), 0);
    while let Some(batch) = source.batches.try_next().await? {
        writer.rows(&batch.rows)?;
        rows += batch.rows.len();
        progress.doing(format!("{what}: {rows} rows, {} a second", rate(rows, began)));
        progress.at(batch.step);
    }
    writer.end()?.done()?;
    progress.end();
    let where_to = arguments.out.as_ref().map(|path| format!(" to {}", path.display())).unwrap_or_default();
    let (seconds, rate) = (began.elapsed().as_secs_f64(), rate(rows, began));
    progress.line(format!("exported {rows} rows of the {what}{where_to} in {seconds:.1} s, {rate} a second"));
    Ok(())
}

async fn known(store: &EventStore, site: SiteId, cohort: CohortId) -> Done {
    let found = cohorts::get(store.pool(), site, cohort).await?;
    found.map(drop).ok_or_else(|| Failure::new(format!("there is no cohort {cohort}")))
}

fn name(what: Exported) -> &'static str {
    match what {
        Exported::Events => "events",
        Exported::Roster => "roster",
        Exported::Audit => "audit",
    }
}

/// Rows a second, since it began.
fn rate(rows: usize, began: Instant) -> u128 {
    rows as u128 * 1_000 / began.elapsed().as_millis().max(1)
}
