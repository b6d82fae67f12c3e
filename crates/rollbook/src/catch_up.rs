//! Read models brought up to the log, for a subcommand that asks them: nobody else may be doing so just now.

use std::time::Duration;

use rollbook_projections::Projections;
use rollbook_store::{EventStore, Position};

use crate::failure::{Done, Failure};

/// How long the read models may take to come up to the log.
const LIMIT: Duration = Duration::from_mins(5);

/// Folds what the read models lack; the position that they have come to at least.
pub async fn catch_up(store: &EventStore) -> Done<Position> {
    let head = store.head().await?;
    let projections = Projections::start(store.clone());
    let reached = projections.wait_for(head, LIMIT).await;
    projections.stop().await;
    reached.map_err(|late| Failure::new(format!("{late}; `rollbook projections list` may say why")))
}
