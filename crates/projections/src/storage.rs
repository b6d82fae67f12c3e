//! Rows in tables: the same few statements for every read model, made of its constants and of nothing else.

use rollbook_store::Recorded;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use crate::ProjectionError;
use crate::erased::{AnyModel, Object, Shape, Stored};

/// Folds a batch of events into a model's table: fetches the rows that they touch, folds, writes what has changed.
pub(crate) async fn fold_in_tx(
    tx: &mut PgConnection,
    model: &dyn AnyModel,
    events: &[Recorded],
) -> Result<(), ProjectionError> {
    let shape = model.shape();
    let unreadable = |source| ProjectionError::Row { projection: shape.name, source };
    let keys = model.touched(events).map_err(unreadable)?;
    if keys.is_empty() {
        return Ok(());
    }
    let stored = fetch(tx, &shape, &keys).await?;
    let changes = model.fold(&stored, events).map_err(unreadable)?;
    if !changes.upserts.is_empty() {
        upsert(tx, &shape, &changes.upserts).await?;
    }
    if !changes.deletes.is_empty() {
        delete(tx, &shape, &changes.deletes).await?;
    }
    Ok(())
}

/// Fetches the rows with these keys.
async fn fetch(tx: &mut PgConnection, shape: &Shape, keys: &[Object]) -> Result<Vec<Stored>, ProjectionError> {
    let Shape { table, .. } = shape;
    let sql = format!(
        "select t.site_id, row_to_json(t)::text from jsonb_populate_recordset(null::{table}, $1) k
        join {table} t on {}",
        same_key(shape, "t", "k")
    );
    let rows = sqlx::query(&sql).bind(Json(keys)).fetch_all(tx).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?)
}

/// Writes rows, in place of those with the same keys.
pub(crate) async fn upsert(tx: &mut PgConnection, shape: &Shape, rows: &[Object]) -> Result<(), ProjectionError> {
    let Shape { table, key, columns, .. } = shape;
    let (key, all) = (key.join(", "), [*key, *columns].concat().join(", "));
    let set: Vec<_> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let sql = format!(
        "insert into {table} (site_id, {all})
        select site_id, {all} from jsonb_populate_recordset(null::{table}, $1)
        on conflict (site_id, {key}) do update set {}",
        set.join(", ")
    );
    sqlx::query(&sql).bind(Json(rows)).execute(tx).await?;
    Ok(())
}

async fn delete(tx: &mut PgConnection, shape: &Shape, keys: &[Object]) -> Result<(), ProjectionError> {
    let Shape { table, .. } = shape;
    let sql = format!(
        "delete from {table} t using jsonb_populate_recordset(null::{table}, $1) k where {}",
        same_key(shape, "t", "k")
    );
    sqlx::query(&sql).bind(Json(keys)).execute(tx).await?;
    Ok(())
}

fn same_key(shape: &Shape, a: &str, b: &str) -> String {
    let columns = ["site_id"].into_iter().chain(shape.key.iter().copied());
    columns.map(|column| format!("{a}.{column} = {b}.{column}")).collect::<Vec<_>>().join(" and ")
}
