//! The `projections` table: how far each read model is. Its rows are also the locks that tell processes apart.

use chrono::{DateTime, Utc};
use rollbook_store::Position;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};

use super::ProjectionItem;
use crate::ProjectionError;
use crate::erased::{MODELS, Shape};

/// Whether a projection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// It follows the log.
    Live,
    /// It cannot go on, says why, and tries again now and then.
    Stuck,
}

/// How far a read model is.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(super) struct Checkpoint {
    pub name: String,
    pub version: i32,
    pub position: Position,
    pub status: String,
    pub error: Option<String>,
    /// How many streams are parked.
    pub parked: i64,
    /// Goes up when somebody changes the rows and not the position.
    pub epoch: i64,
    pub updated_at: DateTime<Utc>,
}

impl Checkpoint {
    /// Whether it goes on.
    pub fn status(&self) -> Status {
        if self.status == <&str>::from(Status::Live) { Status::Live } else { Status::Stuck }
    }

    /// As it is after a batch.
    pub fn moved_to(&mut self, position: Position) {
        self.position = position;
        <&str>::from(Status::Live).clone_into(&mut self.status);
        self.error = None;
    }

    /// As operators see it.
    pub fn item(self, head: Position) -> ProjectionItem {
        let status = self.status();
        ProjectionItem {
            name: self.name,
            version: self.version,
            position: self.position,
            lag: head - self.position,
            parked: self.parked,
            status,
            error: self.error,
            updated_at: self.updated_at,
        }
    }
}

/// Makes a row for each model that has none: its table is empty, at position 0. The instant of it by the database's clock.
pub(super) async fn ensure(pool: &PgPool) -> Result<DateTime<Utc>, ProjectionError> {
    let (names, versions): (Vec<_>, Vec<_>) = MODELS.iter().map(|m| (m.shape().name, m.shape().version)).unzip();
    let sql = "with made as (
            insert into projections (name, version) select * from unnest($1::text[], $2::int[])
            on conflict (name) do nothing
        )
        select now()";
    Ok(sqlx::query_scalar(sql).bind(names).bind(versions).fetch_one(pool).await?)
}

/// Every model's checkpoint as it is committed, by name.
pub(super) async fn read(pool: &PgPool) -> Result<Vec<Checkpoint>, ProjectionError> {
    let names: Vec<_> = MODELS.iter().map(|m| m.shape().name).collect();
    let sql = "select name, version, position, status, error, parked, epoch, updated_at from projections
        where name = any($1) order by name";
    Ok(sqlx::query_as(sql).bind(names).fetch_all(pool).await?)
}

/// How far a read model is behind the log.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Behind {
    pub name: String,
    pub stuck: bool,
    /// How many streams are parked.
    pub parked: i64,
    /// In events.
    pub lag: i64,
    /// When the oldest event that is not folded yet was recorded; none where there is none.
    pub since: Option<DateTime<Utc>>,
}

/// How far every model is behind the log, as both are committed.
pub(super) async fn behind(pool: &PgPool) -> Result<Vec<Behind>, ProjectionError> {
    let names: Vec<_> = MODELS.iter().map(|m| m.shape().name).collect();
    let sql = "select p.name, p.status = $2 as stuck, p.parked, e.recorded_at as since,
            (select coalesce(max(position), 0) from events) - p.position as lag
        from projections p left join events e on e.position = p.position + 1
        where p.name = any($1)";
    Ok(sqlx::query_as(sql).bind(names).bind(<&str>::from(Status::Stuck)).fetch_all(pool).await?)
}

/// Takes the models that no other process has, for the rest of the transaction. If its connection breaks, the database
/// gives them back.
pub(super) async fn try_lock_in_tx(
    tx: &mut PgConnection,
    names: &[&'static str],
) -> Result<Vec<Checkpoint>, ProjectionError> {
    let sql = "select name, version, position, status, error, parked, epoch, updated_at from projections
        where name = any($1) order by name for update skip locked";
    Ok(sqlx::query_as(sql).bind(names).fetch_all(tx).await?)
}

/// Takes one model, when whoever has it gives it back, and says where it was.
pub(super) async fn lock_in_tx(tx: &mut PgConnection, shape: &Shape) -> Result<Checkpoint, ProjectionError> {
    let sql = "select name, version, position, status, error, parked, epoch, updated_at from projections
        where name = $1 for update";
    Ok(sqlx::query_as(sql).bind(shape.name).fetch_one(tx).await?)
}

/// Says that models' rows are folded up to a position.
pub(super) async fn advance_in_tx(
    tx: &mut PgConnection,
    names: &[&'static str],
    position: Position,
) -> Result<(), ProjectionError> {
    let sql = "update projections set position = $2, status = 'live', error = null, updated_at = now()
        where name = any($1)";
    sqlx::query(sql).bind(names).bind(position).execute(tx).await?;
    Ok(())
}

/// Says that a model's rows are of this version, folded up to a position: all of them, so that nothing is parked.
pub(super) async fn rebuilt_in_tx(
    tx: &mut PgConnection,
    shape: &Shape,
    position: Position,
) -> Result<(), ProjectionError> {
    let sql = "with mended as (delete from parked_streams where projection = $1)
        update projections
        set version = $2, position = $3, epoch = epoch + 1, status = 'live', error = null, parked = 0, updated_at = now()
        where name = $1";
    sqlx::query(sql).bind(shape.name).bind(shape.version).bind(position).execute(tx).await?;
    Ok(())
}

/// Says that models cannot go on from a position, and why. Whoever has gone on meanwhile is not stuck.
pub(super) async fn stuck(
    pool: &PgPool,
    names: &[&'static str],
    position: Position,
    error: &str,
) -> Result<(), ProjectionError> {
    let sql = "update projections set status = 'stuck', error = $3, updated_at = now()
        where name = any($1) and position = $2";
    sqlx::query(sql).bind(names).bind(position).bind(error).execute(pool).await?;
    Ok(())
}
