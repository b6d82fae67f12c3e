//! One moment of the database that several connections see: the live tables with the positions that they are at.

use rollbook_store::{EventStore, Position};
use sqlx::PgConnection;

use super::checkpoints::Checkpoint;
use super::sql::run;
use crate::ProjectionError;
use crate::erased::{AnyModel, Shape};

/// A snapshot, for as long as this is kept.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// What `set transaction snapshot` takes.
    pub id: String,
    /// The position of the log.
    pub head: Position,
    checkpoints: Vec<Checkpoint>,
    /// Its transaction is the snapshot's life.
    _connection: PgConnection,
}

impl Snapshot {
    /// Takes one.
    pub async fn take(store: &EventStore) -> Result<Self, ProjectionError> {
        let mut connection = store.connection().await?;
        run(&mut connection, "begin isolation level repeatable read read only").await?;
        let sql = "select name, version, position, status, error, parked, epoch, updated_at from projections";
        let checkpoints = sqlx::query_as(sql).fetch_all(&mut connection).await?;
        let sql = "select pg_export_snapshot(), coalesce(max(position), 0) from events";
        let (id, head) = sqlx::query_as(sql).fetch_one(&mut connection).await?;
        Ok(Self { id, head, checkpoints, _connection: connection })
    }

    /// Where a model's rows are. Rows of newer software are an error: this one cannot judge them.
    pub fn checkpoint(&self, shape: &Shape) -> Result<&Checkpoint, ProjectionError> {
        let found = self.checkpoints.iter().find(|checkpoint| checkpoint.name == shape.name);
        let checkpoint = found.ok_or_else(|| ProjectionError::Unknown(shape.name.to_owned()))?;
        if checkpoint.version > shape.version {
            let (stored, ours) = (checkpoint.version, shape.version);
            return Err(ProjectionError::Newer { projection: shape.name, stored, ours });
        }
        Ok(checkpoint)
    }

    /// The oids of the live tables, in the order of the models: a swap changes them.
    pub async fn tables(
        connection: &mut PgConnection,
        models: &[&'static dyn AnyModel],
    ) -> Result<Vec<i64>, ProjectionError> {
        let names: Vec<_> =
            models.iter().map(|model| format!("{}.{}", super::build::LIVE, model.shape().table)).collect();
        let sql =
            "select n.name::regclass::oid::bigint from unnest($1::text[]) with ordinality as n(name, nth) order by nth";
        Ok(sqlx::query_scalar(sql).bind(names).fetch_all(connection).await?)
    }
}
