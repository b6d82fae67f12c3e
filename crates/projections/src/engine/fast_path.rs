//! The usual round: every model is at one position, and no stream is parked. The rows are in memory, or are fetched by one
//! statement; one more writes all changes and the new position.
//!
//! That statement is the fence. It moves each model from the position and the epoch at which this process left it, or
//! nothing at all: where another process has changed a model meanwhile, what is in memory is forgotten. Nothing that it
//! does needs to outlive a crash of the database by itself, because rows and position are written together: what is lost
//! is folded again.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rollbook_store::dedicated_connection::DedicatedConnection;
use rollbook_store::{Position, Recorded, StoreError};
use sqlx::query::Query;
use sqlx::{PgPool, Row};

use super::build::{LIVE, Table};
use super::checkpoints::Checkpoint;
use crate::ProjectionError;
use crate::binary::{Array, Columns, unnested};
use crate::erased::{MODELS, Shape, Stored};
use crate::hot::{HotTable, Written};
use crate::storage::{delete_sql, of_key, upsert_sql};

/// The rows in memory, and the connection that they are written over.
pub(super) struct FastPath {
    pool: PgPool,
    link: DedicatedConnection,
    tables: Vec<Box<dyn HotTable>>,
    /// The columns of each table; none before the first round.
    columns: Vec<Columns>,
    /// The positions and epochs at which the rows in memory were written: at any others they are not true.
    left: Vec<(Position, i64)>,
}

/// What became of a round.
pub(super) enum FastRound {
    /// The models have gone on.
    Applied,
    /// The models are not where this process left them.
    Fenced,
}

/// The settings of the connection: a commit is not waited for, nor is a model that somebody else has for longer.
const SETTINGS: [(&str, &str); 2] = [("synchronous_commit", "off"), ("lock_timeout", "200ms")];

impl FastPath {
    pub fn new(pool: &PgPool) -> Self {
        let tables = MODELS.iter().map(|model| model.hot()).collect();
        let (pool, link) = (pool.clone(), DedicatedConnection::new(pool, &SETTINGS));
        Self { pool, link, tables, columns: Vec::new(), left: Vec::new() }
    }

    /// Forgets the rows: somebody has written others.
    pub fn forget(&mut self) {
        self.left.clear();
        for table in &mut self.tables {
            table.forget();
        }
    }

    /// Folds events into all models, which are at the checkpoints; `last` is the position afterwards.
    pub async fn round(
        &mut self,
        checkpoints: &[&Checkpoint],
        events: &[Recorded],
        last: Position,
    ) -> Result<FastRound, ProjectionError> {
        // The checkpoints may be newer than the rows: this process may have looked at them since, and not have written them.
        if !self.left.iter().copied().eq(checkpoints.iter().map(|checkpoint| (checkpoint.position, checkpoint.epoch))) {
            self.forget();
        }
        let done = self.try_round(checkpoints, events, last).await;
        match done {
            Ok(()) => {
                for table in &mut self.tables {
                    table.keep();
                }
                self.left = checkpoints.iter().map(|checkpoint| (last, checkpoint.epoch)).collect();
                Ok(FastRound::Applied)
            }
            Err(error) => {
                self.forget();
                if has_moved(&error) { Ok(FastRound::Fenced) } else { Err(error) }
            }
        }
    }

    async fn try_round(
        &mut self,
        checkpoints: &[&Checkpoint],
        events: &[Recorded],
        last: Position,
    ) -> Result<(), ProjectionError> {
        if self.columns.is_empty() {
            self.columns = self.read_columns().await?;
        }
        self.fetch(events).await?;
        let mut changes = Vec::new();
        for (table, columns) in self.tables.iter_mut().zip(&self.columns) {
            let shape = table.shape();
            // A fold that panics fails for its events alone, and does not end the engine.
            let written = catch_unwind(AssertUnwindSafe(|| table.fold(events, columns)))
                .map_err(|_| ProjectionError::Fold { projection: shape.name })?
                .map_err(|source| ProjectionError::Row { projection: shape.name, source })?;
            changes.push((shape, written));
        }
        self.write(checkpoints, &changes, last).await
    }

    async fn read_columns(&self) -> Result<Vec<Columns>, ProjectionError> {
        let mut connection = self.pool.acquire().await?;
        let mut columns = Vec::new();
        for table in &self.tables {
            columns.push(Table { schema: LIVE, shape: table.shape() }.live_columns(&mut connection).await?);
        }
        Ok(columns)
    }

    /// Fetches the rows that the events touch and that are not in memory.
    async fn fetch(&mut self, events: &[Recorded]) -> Result<(), ProjectionError> {
        let (mut sql, mut keys) = (String::new(), Vec::new());
        for (n, table) in self.tables.iter_mut().enumerate() {
            let shape = table.shape();
            let row = |source| ProjectionError::Row { projection: shape.name, source };
            let unknown = table.unknown(events).map_err(row)?;
            if unknown.is_empty() {
                continue;
            }
            keys.push(serde_json::to_string(&unknown).map_err(row)?);
            let (name, and) = (shape.table, if keys.len() > 1 { " union all " } else { "" });
            // Writing to a String cannot fail.
            let _ = write!(
                sql,
                "{and}select {n} as n, t.site_id, row_to_json(t)::text as row
                 from json_populate_recordset(null::{name}, ${}::json) k
                 cross join lateral ({}) t",
                keys.len(),
                of_key(&shape, "*")
            );
        }
        if keys.is_empty() {
            return Ok(());
        }
        let rows = self.link.rows(|| keys.iter().fold(sqlx::query(&sql), Query::bind)).await?;
        let mut stored: Vec<Vec<Stored>> = vec![Vec::new(); self.tables.len()];
        for row in &rows {
            let n = usize::try_from(row.try_get::<i32, _>("n")?).unwrap_or_default();
            if let Some(stored) = stored.get_mut(n) {
                stored.push((row.try_get("site_id")?, row.try_get("row")?));
            }
        }
        for (table, stored) in self.tables.iter_mut().zip(stored) {
            let projection = table.shape().name;
            table.learn(&stored).map_err(|source| ProjectionError::Row { projection, source })?;
        }
        Ok(())
    }

    /// Writes the changes of all models and their new position, or nothing.
    async fn write(
        &mut self,
        checkpoints: &[&Checkpoint],
        changes: &[(Shape, Written)],
        last: Position,
    ) -> Result<(), ProjectionError> {
        let names: Vec<&str> = checkpoints.iter().map(|checkpoint| checkpoint.name.as_str()).collect();
        let positions: Vec<Position> = checkpoints.iter().map(|checkpoint| checkpoint.position).collect();
        let epochs: Vec<i64> = checkpoints.iter().map(|checkpoint| checkpoint.epoch).collect();
        let versions: Vec<i32> = checkpoints.iter().map(|checkpoint| checkpoint.version).collect();
        let mut statement = Statement::new();
        for ((shape, Written { upserts, deletes }), columns) in changes.iter().zip(&self.columns) {
            if let Some(rows) = upserts {
                let given = unnested(columns, statement.next());
                statement.part("put", shape, &upsert_sql(shape, &given), rows.parameters().map(Parameter::Column));
            }
            if let Some(keys) = deletes {
                let sql = delete_sql(shape, statement.next());
                statement.part("gone", shape, &sql, [Parameter::Keys(keys)]);
            }
        }
        let Statement { mut sql, parameters } = statement;
        // Every model must have moved, also one that the checkpoints leave out: nothing would guard its rows.
        let _ = write!(
            sql,
            " select case when (select count(*) from moved) = {} then true else projections_have_moved() end",
            changes.len()
        );
        self.link
            .rows(|| {
                let query = sqlx::query(&sql).bind(&names).bind(&positions).bind(&epochs).bind(&versions).bind(last);
                parameters.iter().fold(query, |query, parameter| match *parameter {
                    Parameter::Column(array) => query.bind(array),
                    Parameter::Keys(json) => query.bind(json),
                })
            })
            .await?;
        Ok(())
    }
}

/// The statement that writes all models, as it grows.
struct Statement<'w> {
    sql: String,
    parameters: Vec<Parameter<'w>>,
}

/// A parameter of it.
enum Parameter<'w> {
    /// A column of new rows.
    Column(Array<'w>),
    /// The keys of rows that are gone.
    Keys(&'w str),
}

impl<'w> Statement<'w> {
    fn new() -> Self {
        Self { sql: MOVE.to_owned(), parameters: Vec::new() }
    }

    /// The number of the next parameter.
    fn next(&self) -> usize {
        FIXED + self.parameters.len() + 1
    }

    /// Adds what is done to a model.
    fn part(&mut self, what: &str, shape: &Shape, sql: &str, parameters: impl IntoIterator<Item = Parameter<'w>>) {
        // Writing to a String cannot fail.
        let _ = write!(self.sql, ", {what}_{} as ({sql})", shape.table);
        self.parameters.extend(parameters);
    }
}

/// How many parameters the first part of the statement has.
const FIXED: usize = 5;

const MOVE: &str = "with moved as (
        update projections p set position = $5, status = 'live', error = null, updated_at = now()
        from unnest($1::text[], $2::bigint[], $3::bigint[], $4::int[]) as k(name, position, epoch, version)
        where p.name = k.name and p.position = k.position and p.epoch = k.epoch and p.version = k.version
            and p.parked = 0
        returning p.name
    )";

/// Whether the statement found a model elsewhere, or had to wait for it: then somebody else is at work.
fn has_moved(error: &ProjectionError) -> bool {
    match error {
        ProjectionError::Store(StoreError::Database(sqlx::Error::Database(error))) => {
            error.code().is_some_and(|code| code == "RBP01" || code == "55P03" || code == "40P01")
        }
        _ => false,
    }
}
