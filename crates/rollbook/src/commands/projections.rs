//! `rollbook projections`: how far the read models are, made anew, or compared with the log.

use rollbook_domain::site::Slug;
use rollbook_projections::{Difference, Phase, Progress, ProjectionError, ProjectionItem, Projections, Verification};

use crate::cli::{AsOf, Projections as Asked, Rebuild, When, Which};
use crate::commands::parked;
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;
use crate::progress::{Progress as Shown, Rate};
use crate::table::table;

/// How many differing rows are shown of each read model.
const SHOWN_DIFFERENCES: usize = 10;

/// Carries one of them out.
pub async fn run(database: &Database, site: &Slug, asked: &Asked) -> Done {
    // Those of one database are of all the sites in it.
    let (store, _) = database.of_site(site).await?;
    let projections = Projections::new(store);
    match asked {
        Asked::List => list(&projections).await,
        Asked::Rebuild(rebuild) => self::rebuild(&projections, rebuild).await,
        Asked::AsOf(moment) => as_of(&projections, moment).await,
        Asked::Verify(which) => verify(&projections, which).await,
        Asked::Parked => parked::list(&projections).await,
        Asked::Retry(which) => parked::retry(&projections, which).await,
    }
}

async fn list(projections: &Projections) -> Done {
    let mut shown = table(&["read model", ">version", ">position", ">behind", ">parked", "status"]);
    for item in projections.list().await.map_err(Failure::new)? {
        let ProjectionItem { name, version, position, lag, parked, status, error, updated_at: _ } = item;
        let status = serde_json::to_value(status)?;
        let status = status.as_str().unwrap_or_default();
        let status = error.map_or_else(|| status.to_owned(), |error| format!("{status}: {error}"));
        shown.add_row([name, version.to_string(), position.to_string(), lag.to_string(), parked.to_string(), status]);
    }
    output::line(&shown.trim_fmt())
}

async fn rebuild(projections: &Projections, Rebuild { which, accept_differences, memory }: &Rebuild) -> Done {
    let projections = projections.clone().with_memory(memory.bytes());
    let mut steps = Steps::new("rebuilding", named(which));
    let name = which.name.as_deref();
    let done = if *accept_differences {
        projections.rebuild_accepting_differences(name, &mut |at| steps.at(at)).await
    } else {
        projections.rebuild(name, &mut |at| steps.at(at)).await
    };
    steps.end();
    if let Err(ProjectionError::Differs(found)) = &done {
        show(found)?;
    }
    done.map_err(|error| explained(&error))?;
    output::line(&format!("rebuilt {} from {} events", steps.what, steps.events))
}

async fn as_of(projections: &Projections, AsOf { when, schema, memory }: &AsOf) -> Done {
    let projections = projections.clone().with_memory(memory.bytes());
    let mut steps = Steps::new("building", format!("schema {schema}"));
    let when = match *when {
        When::Position(position) => rollbook_projections::engine::When::Position(position),
        When::Instant(instant) => rollbook_projections::engine::When::Instant(instant),
    };
    let built = projections.build_schema(when, schema, &mut |at| steps.at(at)).await;
    steps.end();
    let position = built.map_err(|error| explained(&error))?;
    output::line(&format!("built schema {schema}: all read models as of position {position}"))
}

fn named(which: &Which) -> String {
    which.name.clone().unwrap_or_else(|| "all read models".to_owned())
}

async fn verify(projections: &Projections, which: &Which) -> Done {
    let mut steps = Steps::new("verifying", named(which));
    let verified = projections.verify(which.name.as_deref(), &mut |at| steps.at(at)).await;
    steps.end();
    let verified = verified.map_err(|error| explained(&error))?;
    let mut shown = table(&["read model", ">position", ">rows", "fingerprint", "compared with the log"]);
    for Verification { name, position, rows, fingerprint, differing, .. } in &verified {
        let found = match differing {
            0 => "equal".to_owned(),
            1 => "1 row differs".to_owned(),
            many => format!("{many} rows differ"),
        };
        shown.add_row([(*name).to_owned(), position.to_string(), rows.to_string(), fingerprint.clone(), found]);
    }
    output::line(&shown.trim_fmt())?;
    show(&verified)?;
    let wrong: Vec<_> = verified.iter().filter(|model| model.differing > 0).map(|model| model.name).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "not what the log says: {}. Build anew with: rollbook projections rebuild {} --accept-differences",
        wrong.join(", "),
        if let [name] = wrong[..] { name } else { "--all" }
    )))
}

/// Shows rows that differ, some of each read model.
fn show(found: &[Verification]) -> Done {
    for model in found.iter().filter(|model| model.differing > 0) {
        for Difference { live, rebuilt } in model.differences.iter().take(SHOWN_DIFFERENCES) {
            let side = |row: &Option<serde_json::Value>| {
                row.as_ref().map_or_else(|| "no such row".to_owned(), ToString::to_string)
            };
            output::line(&format!("{}\n  table  {}\n  log    {}", model.name, side(live), side(rebuilt)))?;
        }
        let shown = model.differences.len().min(SHOWN_DIFFERENCES);
        let more = model.differing.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
        if more > 0 {
            output::line(&format!("… and {more} more in {}", model.name))?;
        }
    }
    Ok(())
}

pub(crate) fn explained(error: &ProjectionError) -> Failure {
    let hint = match error {
        ProjectionError::Unknown(_) => "; `rollbook projections list` names them",
        ProjectionError::Differs(_) => ". To replace the rows all the same, add --accept-differences",
        _ => "",
    };
    Failure::new(format!("{error}{hint}"))
}

/// Shows how far the work is: the log's events, their rate, and the time that is left.
struct Steps {
    doing: &'static str,
    what: String,
    shown: Shown,
    rate: Rate,
    phase: Option<Phase>,
    events: i64,
}

impl Steps {
    fn new(doing: &'static str, what: String) -> Self {
        Self { doing, what, shown: Shown::start(1), rate: Rate::start(), phase: None, events: 0 }
    }

    fn at(&mut self, Progress { phase, position, head }: Progress) {
        let (done, of) = (u64::try_from(position).unwrap_or(0), u64::try_from(head).unwrap_or(0));
        let (doing, what) = (self.doing, &self.what);
        self.events = head;
        self.shown.of(of);
        self.shown.at(done);
        let how_far = self.rate.of(done, of);
        let first = self.phase.replace(phase) != Some(phase);
        match phase {
            Phase::Folding => {
                self.shown.doing(format!("{doing} {what}: {how_far}"));
                if first || self.rate.is_time_for_a_line() {
                    self.shown.plain_line(format!("{doing} {what}: {how_far}"));
                }
            }
            Phase::Writing => {
                self.shown.doing(format!("{doing} {what}: {of} events read, writing and comparing tables"));
                self.shown.plain_line(format!("{doing} {what}: {of} events read, writing and comparing tables"));
            }
        }
    }

    fn end(&self) {
        self.shown.end();
    }
}
