//! Rows in tables: the same few statements for every read model, made of its constants and of nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rollbook_store::Recorded;
use sqlx::{PgConnection, Row};

use crate::ProjectionError;
use crate::erased::{AnyModel, Changes, Object, Shape, Stored};

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
    let changes = folded(model, &stored, events)?;
    if !changes.upserts.is_empty() {
        upsert(tx, &shape, &changes.upserts).await?;
    }
    if !changes.deletes.is_empty() {
        delete(tx, &shape, &changes.deletes).await?;
    }
    Ok(())
}

/// Makes the rows anew that these events touch, as if there had been none before them: all the events of a stream, from
/// its first.
pub(crate) async fn replace_in_tx(
    tx: &mut PgConnection,
    model: &dyn AnyModel,
    events: &[Recorded],
) -> Result<(), ProjectionError> {
    let shape = model.shape();
    let keys = model.touched(events).map_err(|source| ProjectionError::Row { projection: shape.name, source })?;
    if keys.is_empty() {
        return Ok(());
    }
    let changes = folded(model, &[], events)?;
    delete(tx, &shape, &keys).await?;
    if changes.upserts.is_empty() { Ok(()) } else { upsert(tx, &shape, &changes.upserts).await }
}

/// Folds. A fold that panics fails for its events alone, and does not end the engine.
fn folded(model: &dyn AnyModel, stored: &[Stored], events: &[Recorded]) -> Result<Changes, ProjectionError> {
    let projection = model.shape().name;
    let changes = catch_unwind(AssertUnwindSafe(|| model.fold(stored, events)));
    let changes = changes.map_err(|_| ProjectionError::Fold { projection })?;
    changes.map_err(|source| ProjectionError::Row { projection, source })
}

/// Fetches the rows with these keys.
async fn fetch(tx: &mut PgConnection, shape: &Shape, keys: &[Object]) -> Result<Vec<Stored>, ProjectionError> {
    let Shape { table, .. } = shape;
    let sql = format!(
        "select t.site_id, row_to_json(t)::text from json_populate_recordset(null::{table}, $1::json) k
        cross join lateral ({}) t",
        of_key(shape, "*")
    );
    let rows = sqlx::query(&sql).bind(json(shape, keys)?).fetch_all(tx).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?)
}

/// Writes rows, in place of those with the same keys.
pub(crate) async fn upsert(tx: &mut PgConnection, shape: &Shape, rows: &[Object]) -> Result<(), ProjectionError> {
    let given = format!("json_populate_recordset(null::{}, $1::json)", shape.table);
    sqlx::query(&upsert_sql(shape, &given)).bind(json(shape, rows)?).execute(tx).await?;
    Ok(())
}

async fn delete(tx: &mut PgConnection, shape: &Shape, keys: &[Object]) -> Result<(), ProjectionError> {
    sqlx::query(&delete_sql(shape, 1)).bind(json(shape, keys)?).execute(tx).await?;
    Ok(())
}

/// The statement that writes rows, given as what can be selected from, in place of those with the same keys.
pub(crate) fn upsert_sql(shape: &Shape, rows: &str) -> String {
    let Shape { table, key, columns, .. } = shape;
    let (key, all) = (key.join(", "), [*key, *columns].concat().join(", "));
    let set: Vec<_> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    format!(
        "insert into {table} (site_id, {all})
        select site_id, {all} from {rows}
        on conflict (site_id, {key}) do update set {}",
        set.join(", ")
    )
}

/// The statement that deletes the rows with these keys. They are a JSON list, the parameter of that number.
pub(crate) fn delete_sql(shape: &Shape, parameter: usize) -> String {
    let table = shape.table;
    let of_key = of_key(shape, "ctid");
    format!(
        "delete from {table} where ctid = any(array(
            select t.ctid from json_populate_recordset(null::{table}, ${parameter}::json) k
            cross join lateral ({of_key}) t))"
    )
}

fn json(shape: &Shape, rows: &[Object]) -> Result<String, ProjectionError> {
    serde_json::to_string(rows).map_err(|source| ProjectionError::Row { projection: shape.name, source })
}

/// What is asked of the row whose key is that of `k`. Its first column is every index's, and a plan that was made while the table
/// was empty takes any of them for as good as the primary key, and reads a site's rows for each key from then on. So the key is
/// asked for as a range and in its order, which the primary key alone has.
pub(crate) fn of_key(shape: &Shape, what: &str) -> String {
    let of = |row: &str| shape.key.iter().map(|column| format!("{row}.{column}")).collect::<Vec<_>>().join(", ");
    let (table, key, given) = (shape.table, of("t"), of("k"));
    format!(
        "select t.{what} from {table} t
        where t.site_id = k.site_id and ({key}) >= ({given}) and ({key}) <= ({given}) order by {key} limit 1"
    )
}

#[cfg(test)]
mod tests {
    use rollbook_domain::hub::HubEvent;
    use rollbook_domain::{CommandId, HubId, SiteId, StreamType};
    use serde::{Deserialize, Serialize};
    use uuid::Uuid;

    use super::*;
    use crate::erased::Erased;
    use crate::{ReadModel, SiteRows};

    /// A model with a defect.
    struct Broken;

    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    struct Row {
        hub_id: HubId,
    }

    impl ReadModel for Broken {
        const NAME: &'static str = "broken";
        const VERSION: i32 = 1;
        const TABLE: &'static str = "broken";
        const KEY: &'static [&'static str] = &["hub_id"];
        const COLUMNS: &'static [&'static str] = &[];
        const STREAMS: &'static [StreamType] = &[StreamType::Hub];
        type Key = HubId;
        type Row = Row;

        fn touches(event: &Recorded) -> Vec<HubId> {
            vec![HubId(event.stream.id)]
        }

        fn key(row: &Row) -> HubId {
            row.hub_id
        }

        fn fold(_: &Recorded, _: &mut SiteRows<'_, Self>) {
            panic!("a defect")
        }
    }

    #[test]
    fn a_fold_that_panics_fails_for_its_events() {
        let event = Recorded {
            position: 1,
            site: SiteId::DEFAULT,
            stream: HubId(Uuid::nil()).into(),
            sequence: 1,
            command_id: CommandId(Uuid::nil()),
            actor: None,
            authority: None,
            recorded_at: chrono::DateTime::UNIX_EPOCH,
            event: HubEvent::HubClosed {}.into(),
        };
        let folded = folded(&Erased::<Broken>::NEW, &[], &[event]);
        assert!(matches!(folded, Err(ProjectionError::Fold { projection: "broken" })), "{folded:?}");
    }
}
