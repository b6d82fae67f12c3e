//! Checking read models: their tables against temporary ones, built from the same log up to the same positions. It changes
//! nothing and leaves nothing, however it ends.

use rollbook_store::EventStore;

use super::OnProgress;
use super::build::{BuildTarget, Built, Wanted, build};
use super::compare::{Verification, compare_in_tx};
use super::snapshot::Snapshot;
use crate::ProjectionError;
use crate::erased::AnyModel;

/// The schema of a connection's own temporary tables: they are in no log of the server, and end with the connection.
const OWN: &str = "pg_temp";

/// How often a verification begins anew because a rebuild has put another table in a live one's place meanwhile.
const ATTEMPTS: u32 = 3;

/// Checks models in one snapshot, while reads and writes go on.
pub(super) async fn verify(
    store: &EventStore,
    models: &[&'static dyn AnyModel],
    memory: u64,
    progress: OnProgress<'_>,
) -> Result<Vec<Verification>, ProjectionError> {
    let mut attempt = 1;
    loop {
        match once(store, models, memory, progress).await {
            Err(ProjectionError::Swapped) if attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

async fn once(
    store: &EventStore,
    models: &[&'static dyn AnyModel],
    memory: u64,
    progress: OnProgress<'_>,
) -> Result<Vec<Verification>, ProjectionError> {
    let tables = Snapshot::tables(&mut *store.pool().acquire().await?, models).await?;
    let snapshot = Snapshot::take(store).await?;
    let wanted = |model: &&'static dyn AnyModel| {
        let until = snapshot.checkpoint(&model.shape())?.position;
        Ok(Wanted { model: *model, until, readable: until, comparable: true })
    };
    let wanted: Vec<_> = models.iter().map(wanted).collect::<Result<_, ProjectionError>>()?;
    let place = BuildTarget { schema: OWN, snapshot: Some(snapshot.id.clone()), memory };
    let mut verified = build(store, &wanted, &place, progress, compare).await?;
    // A table that came in its place is at another position, and its rows are visible in every snapshot.
    if Snapshot::tables(&mut *store.pool().acquire().await?, models).await? != tables {
        return Err(ProjectionError::Swapped);
    }
    verified.sort_by_key(|found| models.iter().position(|model| model.shape().name == found.name));
    Ok(verified)
}

async fn compare(Built { wanted, table, mut tx, .. }: Built) -> Result<Verification, ProjectionError> {
    compare_in_tx(&mut tx, &table, wanted.until).await
}
