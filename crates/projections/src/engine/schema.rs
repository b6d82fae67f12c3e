//! The read models of a moment of the past, in a schema of their own for whoever wants to query them beside the live ones. It
//! changes nothing that it has not made itself.

use chrono::{DateTime, Utc};
use rollbook_store::transaction::begin_alone;
use rollbook_store::{EventStore, Position};
use sqlx::PgConnection;

use super::OnProgress;
use super::build::{BuildTarget, Built, LIVE, Table, Wanted, build};
use super::sql::run;
use crate::ProjectionError;
use crate::erased::MODELS;

/// Where the tables are built before they are moved, all at once.
const STAGING: &str = "rollbook_as_of";
/// The table that says which moment a schema is of, and that it was made here.
const MARK: &str = "rollbook_as_of";
/// Whoever builds such a schema holds this advisory lock of the database.
const LOCK: i64 = 5_570_193_308_531_903_605;

/// A moment of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After the event at this position.
    Position(Position),
    /// At this instant.
    Instant(DateTime<Utc>),
}

/// Builds every read model of a moment into a schema; the position that it is of. A schema that was made by this before is
/// replaced.
pub(super) async fn build_schema(
    store: &EventStore,
    when: When,
    schema: &str,
    memory: u64,
    progress: OnProgress<'_>,
) -> Result<Position, ProjectionError> {
    may_be_called(schema)?;
    let mut connection = store.connection().await?;
    if !sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut connection).await? {
        return Err(ProjectionError::UnderWay);
    }
    may_be_replaced(&mut connection, schema).await?;
    let head = store.head().await?;
    let (position, instant) = match when {
        When::Position(position) if (0..=head).contains(&position) => (position, None),
        When::Position(position) => return Err(ProjectionError::NotYet { position, head }),
        When::Instant(instant) => (store.position_at(instant).await?, Some(instant)),
    };
    for table in tables(STAGING) {
        run(&mut connection, &format!("drop table if exists {}", table.name())).await?;
    }
    let wanted = |model| Wanted { model, until: position, readable: position, comparable: false };
    let wanted: Vec<_> = MODELS.iter().copied().map(wanted).collect();
    let place = BuildTarget { schema: STAGING, snapshot: None, memory };
    build(store, &wanted, &place, progress, finish).await?;

    let mut tx = begin_alone(&mut connection).await?;
    run(&mut tx, &format!("create schema if not exists \"{schema}\"")).await?;
    for table in tables(STAGING) {
        let (name, table) = (table.name(), table.shape.table);
        run(&mut tx, &format!("drop table if exists \"{schema}\".{table}; alter table {name} set schema \"{schema}\""))
            .await?;
    }
    let mark = format!(
        "drop table if exists \"{schema}\".{MARK};
        create table \"{schema}\".{MARK} (position bigint not null, instant timestamptz, built_at timestamptz not null)"
    );
    run(&mut tx, &mark).await?;
    let mark = format!(
        "insert into \"{schema}\".{MARK}
        select $1, coalesce($2, (select recorded_at from {LIVE}.events where position = $1)), now()"
    );
    sqlx::query(&mark).bind(position).bind(instant).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(position)
}

async fn finish(Built { table, mut tx, .. }: Built) -> Result<(), ProjectionError> {
    table.finish_in_tx(&mut tx).await?;
    run(&mut tx, "commit").await
}

fn tables(schema: &'static str) -> impl Iterator<Item = Table> {
    MODELS.iter().map(move |model| Table { schema, shape: model.shape() })
}

/// Refuses what is no plain name, and what belongs to the service or to PostgreSQL.
fn may_be_called(schema: &str) -> Result<(), ProjectionError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let named = schema.len() <= 63 && schema.chars().all(plain) && schema.starts_with(|c: char| !c.is_ascii_digit());
    let taken =
        [LIVE, "information_schema"].contains(&schema) || ["rollbook_", "pg_"].iter().any(|p| schema.starts_with(p));
    match (named && !schema.is_empty(), taken) {
        (true, false) => Ok(()),
        (true, true) => {
            Err(ProjectionError::Schema(format!("the schema {schema} is not for this; choose another name")))
        }
        (false, _) => Err(ProjectionError::Schema(
            "a schema's name is made of up to 63 lower-case letters, digits and underscores, a digit not first"
                .to_owned(),
        )),
    }
}

/// Refuses a schema that somebody else has made.
async fn may_be_replaced(connection: &mut PgConnection, schema: &str) -> Result<(), ProjectionError> {
    let sql = "select exists(select from pg_namespace where nspname = $1),
        to_regclass(format('%I.%I', $1, $2)) is not null";
    let (exists, ours): (bool, bool) = sqlx::query_as(sql).bind(schema).bind(MARK).fetch_one(connection).await?;
    if exists && !ours {
        let why = format!("the schema {schema} is there and was not made by this; choose another name");
        return Err(ProjectionError::Schema(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::may_be_called;

    #[test]
    fn a_schema_has_a_plain_name_that_is_nobody_elses() {
        for good in ["march", "as_of_2026_03", "_x"] {
            assert!(may_be_called(good).is_ok(), "{good}");
        }
        for bad in
            ["", "public", "pg_temp", "rollbook_rebuild", "information_schema", "2026", "a b", "March", "a\"b", "é"]
        {
            assert!(may_be_called(bad).is_err(), "{bad}");
        }
        assert!(may_be_called(&"a".repeat(64)).is_err());
    }
}
