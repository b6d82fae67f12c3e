//! `rollbook projections`: how far the read models are, made anew, or compared with the log.

use rollbook_projections::{Difference, ProjectionItem, Projections, Verification};

use crate::cli::{Projections as Asked, Which};
use crate::commands::parked;
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;
use crate::progress::Progress;
use crate::table::table;

/// How many differing rows are shown of each read model.
const SHOWN_DIFFERENCES: usize = 10;

/// Carries one of them out.
pub async fn run(database: &Database, asked: &Asked) -> Done {
    let projections = Projections::new(database.store().await?);
    match asked {
        Asked::List => list(&projections).await,
        Asked::Rebuild(which) => rebuild(&projections, which).await,
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

async fn rebuild(projections: &Projections, which: &Which) -> Done {
    let mut steps = Steps::new("rebuilding");
    let done = projections.rebuild(which.name.as_deref(), &mut |at| steps.at(at)).await;
    steps.end();
    done.map_err(|error| explained(&error))?;
    let what = which.name.as_deref().unwrap_or("all read models");
    output::line(&format!("rebuilt {what} from {} events", steps.events))
}

async fn verify(projections: &Projections, which: &Which) -> Done {
    let mut steps = Steps::new("verifying");
    let verified = projections.verify(which.name.as_deref(), &mut |at| steps.at(at)).await;
    steps.end();
    let verified = verified.map_err(|error| explained(&error))?;
    let mut shown = table(&["read model", ">position", ">rows", "compared with the log"]);
    for Verification { name, position, rows, differences } in &verified {
        let found = match differences.len() {
            0 => "equal".to_owned(),
            1 => "1 row differs".to_owned(),
            many => format!("{many} rows differ"),
        };
        shown.add_row([(*name).to_owned(), position.to_string(), rows.to_string(), found]);
    }
    output::line(&shown.trim_fmt())?;
    let wrong: Vec<_> = verified.iter().filter(|model| !model.differences.is_empty()).collect();
    for model in &wrong {
        for Difference { live, rebuilt } in model.differences.iter().take(SHOWN_DIFFERENCES) {
            let side = |row: &Option<serde_json::Value>| {
                row.as_ref().map_or_else(|| "no such row".to_owned(), ToString::to_string)
            };
            output::line(&format!("{}\n  table  {}\n  log    {}", model.name, side(live), side(rebuilt)))?;
        }
        let more = model.differences.len().saturating_sub(SHOWN_DIFFERENCES);
        if more > 0 {
            output::line(&format!("… and {more} more in {}", model.name))?;
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = wrong.iter().map(|model| model.name).collect();
    Err(Failure::new(format!(
        "not what the log says: {}. Build anew with: rollbook projections rebuild {}",
        names.join(", "),
        if let [name] = names[..] { name } else { "--all" }
    )))
}

pub(crate) fn explained(error: &rollbook_projections::ProjectionError) -> Failure {
    let hint = match error {
        rollbook_projections::ProjectionError::Unknown(_) => "; `rollbook projections list` names them",
        _ => "",
    };
    Failure::new(format!("{error}{hint}"))
}

/// Shows how far one read model after the other is.
struct Steps {
    doing: &'static str,
    name: &'static str,
    progress: Progress,
    events: i64,
}

impl Steps {
    fn new(doing: &'static str) -> Self {
        Self { doing, name: "", progress: Progress::start(1), events: 0 }
    }

    fn at(&mut self, at: rollbook_projections::Progress) {
        if at.name != self.name {
            self.name = at.name;
            self.progress.plain_line(format!("{} {}: {} events", self.doing, at.name, at.head));
            self.progress.doing(format!("{} {}", self.doing, at.name));
            self.progress.of(u64::try_from(at.head).unwrap_or(0));
        }
        self.events = at.head;
        self.progress.at(u64::try_from(at.position).unwrap_or(0));
    }

    fn end(&self) {
        self.progress.end();
    }
}
