//! Histories folded without a database, for tests: in one go, as a rebuild does, and batch by batch through stored rows,
//! as the live engine does. Both must come to the same tables.

#[cfg(any(test, feature = "testing"))]
pub mod histories;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rollbook_store::Recorded;
use serde_json::Value;
use uuid::Uuid;

use crate::erased::{AnyModel, MODELS, Object, Stored};

/// The tables of all read models: their rows by name of the model, in the order of their keys.
pub type Tables = BTreeMap<&'static str, Vec<Object>>;

/// Folds a history into empty tables in memory.
pub fn in_one_go(history: &[Recorded]) -> Result<Tables, serde_json::Error> {
    let fold = |model: &&'static dyn AnyModel| {
        let mut table = model.memory();
        table.fold(history);
        let rows = table.rows().collect::<Result<Vec<_>, _>>()?;
        Ok((model.shape().name, sorted(*model, rows)))
    };
    MODELS.iter().map(fold).collect()
}

/// Folds a history batch by batch: each batch sees only the stored rows that it says it touches, read back from JSON. The
/// sizes say how long the batches are; what is left after the last one is a batch of its own.
pub fn in_batches(history: &[Recorded], sizes: &[usize]) -> Result<Tables, serde_json::Error> {
    let fold = |model: &&'static dyn AnyModel| {
        let mut table: BTreeMap<String, Object> = BTreeMap::new();
        let mut rest = history;
        for size in sizes.iter().copied().chain([history.len()]) {
            let (batch, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            let keys = model.touched(batch)?;
            let stored: Vec<Stored> =
                keys.iter().filter_map(|key| table.get(&key_of(*model, key))).map(stored).collect::<Result<_, _>>()?;
            let changes = model.fold(&stored, batch)?;
            for key in &changes.deletes {
                table.remove(&key_of(*model, key));
            }
            table.extend(changes.upserts.into_iter().map(|row| (key_of(*model, &row), row)));
        }
        Ok((model.shape().name, table.into_values().collect()))
    };
    MODELS.iter().map(fold).collect()
}

fn sorted(model: &dyn AnyModel, rows: Vec<Object>) -> Vec<Object> {
    rows.into_iter().map(|row| (key_of(model, &row), row)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The site and the key of a row or a key, as text.
fn key_of(model: &dyn AnyModel, row: &Object) -> String {
    let columns = ["site_id"].into_iter().chain(model.shape().key.iter().copied());
    columns.map(|column| row.get(column).unwrap_or(&Value::Null)).cloned().collect::<Value>().to_string()
}

fn stored(row: &Object) -> Result<Stored, serde_json::Error> {
    let site: Uuid = serde_json::from_value(row.get("site_id").cloned().unwrap_or_default())?;
    Ok((site, serde_json::to_string(row)?))
}
