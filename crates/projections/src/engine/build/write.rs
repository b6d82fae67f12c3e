//! Writing a table: begun in a transaction of its own, and filled from memory by binary COPY.

use std::sync::Arc;

use futures::future::try_join;
use rollbook_store::EventStore;
use tokio::sync::mpsc;

use super::{Begun, BuildTarget, Built, Table, WAITING_PIECES, Wanted};
use crate::ProjectionError;
use crate::binary::Columns;
use crate::engine::sql::run;
use crate::erased::{AnyModel, Memory};

/// Writes rows from memory into their table, which it begins where nobody has.
pub(super) async fn write(
    store: &EventStore,
    place: &BuildTarget,
    wanted: Wanted,
    begun: Option<Begun>,
    kept: Vec<Box<dyn Memory>>,
) -> Result<Begun, ProjectionError> {
    let (mut built, columns) = match begun {
        Some(begun) => begun,
        None => begin(store, place, wanted).await?,
    };
    let (pieces, taken) = mpsc::channel(WAITING_PIECES);
    let encoding = encode(wanted.model, kept, Arc::clone(&columns), pieces);
    let (rows, ()) = try_join(built.table.fill_in_tx(&mut built.tx, &columns, taken), encoding).await?;
    built.rows += rows;
    Ok((built, columns))
}

/// Takes rows out of memory piece by piece, on a thread of its own.
async fn encode(
    model: &'static dyn AnyModel,
    kept: Vec<Box<dyn Memory>>,
    columns: Arc<Columns>,
    pieces: mpsc::Sender<Vec<u8>>,
) -> Result<(), ProjectionError> {
    let encoding = tokio::task::spawn_blocking(move || {
        for mut rows in kept {
            rows.drain(&columns, &mut |piece| pieces.blocking_send(piece).is_ok())
                .map_err(|source| ProjectionError::Row { projection: model.shape().name, source })?;
        }
        Ok(())
    });
    encoding.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Begins a table in a transaction on a connection of its own. What it writes need not be on the disk when it commits: the
/// last transaction of a rebuild is, and everything before it in the server's log with it.
pub(super) async fn begin(store: &EventStore, place: &BuildTarget, wanted: Wanted) -> Result<Begun, ProjectionError> {
    let mut tx = store.connection().await?;
    let snapshot = place.snapshot.as_ref().map(|id| format!("set transaction snapshot '{id}';")).unwrap_or_default();
    let level = if place.snapshot.is_some() { "isolation level repeatable read" } else { "" };
    let sql = format!("begin {level}; {snapshot} set local synchronous_commit = off");
    run(&mut tx, &sql).await?;
    let table = Table { schema: place.schema, shape: wanted.model.shape() };
    let columns = table.create_in_tx(&mut tx).await?;
    Ok((Built { wanted, table, rows: 0, tx }, Arc::new(columns)))
}
