//! Comparing a live table with one that was built from the log up to the same position: by a fingerprint, and where that
//! differs row by row. It changes nothing.

use std::collections::BTreeMap;

use rollbook_store::Position;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::build::Table;
use crate::ProjectionError;

/// How many differing rows are named.
const NAMED: i64 = 1_000;

/// What a comparison with the log found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The projection.
    pub name: &'static str,
    /// The position that both sides are at.
    pub position: Position,
    /// How many rows the table has.
    pub rows: u64,
    /// The table's fingerprint: the number of its rows, and the sum of their hashes. Two tables with the same rows have the
    /// same one, in whatever order they hold them.
    pub fingerprint: String,
    /// How many rows are not what the log says; 0 is as it should be.
    pub differing: u64,
    /// How many of them belong to streams that are parked, which explains them.
    pub parked: u64,
    /// The first thousand of those that differ, in the order of their keys.
    pub differences: Vec<Difference>,
    /// The columns of a row's key, its site first.
    pub key: Vec<&'static str>,
}

/// A verification for whoever looks after the tables and need not know what is in them: keys and names, and no contents.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VerificationSummary {
    /// The projection.
    pub name: &'static str,
    /// The position that both sides are at.
    pub position: Position,
    /// How many rows the table has.
    pub rows: u64,
    /// The table's fingerprint: the number of its rows, and the sum of their hashes. Two tables with the same rows have the
    /// same one, in whatever order they hold them.
    pub fingerprint: String,
    /// How many rows are not what the log says; 0 is as it should be.
    pub differing: u64,
    /// How many of them belong to streams that are parked, which explains them.
    pub parked: u64,
    /// The first thousand of those that differ, in the order of their keys.
    pub differences: Vec<DifferenceSummary>,
}

/// Which row is not what the log says. `rollbook projections verify` shows what is in it, to whoever has the database.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DifferenceSummary {
    /// The row's key: its site and ids.
    pub key: BTreeMap<&'static str, Value>,
    /// What is wrong with it.
    pub what: DifferenceKind,
    /// The fields that differ, of a row that is there on both sides.
    pub fields: Vec<String>,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It is there, and is another than the log makes.
    Changed,
    /// The log makes it, and it is not in the table.
    Missing,
    /// It is in the table, and the log makes none.
    Extra,
}

impl Verification {
    /// The same without what is in the rows.
    pub fn summary(self) -> VerificationSummary {
        let Self { name, position, rows, fingerprint, differing, parked, differences, key } = self;
        let differences = differences.iter().map(|difference| difference.summary(&key)).collect();
        VerificationSummary { name, position, rows, fingerprint, differing, parked, differences }
    }
}

impl Difference {
    fn summary(&self, key: &[&'static str]) -> DifferenceSummary {
        let what = match (&self.live, &self.rebuilt) {
            (Some(_), Some(_)) => DifferenceKind::Changed,
            (None, _) => DifferenceKind::Missing,
            (_, None) => DifferenceKind::Extra,
        };
        let row = self.live.as_ref().or(self.rebuilt.as_ref());
        let key = key.iter().filter_map(|name| Some((*name, row?.get(name)?.clone()))).collect();
        let fields = match (&self.live, &self.rebuilt) {
            (Some(Value::Object(live)), Some(rebuilt)) => live
                .iter()
                .filter(|(name, value)| rebuilt.get(name) != Some(value))
                .map(|(name, _)| name.clone())
                .collect(),
            _ => Vec::new(),
        };
        DifferenceSummary { key, what, fields }
    }
}

/// A row that is not what the log says. Both sides have their key and site among their fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The row in the table; null where there is none.
    pub live: Option<Value>,
    /// The row that the log makes; null where there should be none.
    pub rebuilt: Option<Value>,
}

/// Compares a built table with the live one, as the transaction sees them.
pub(super) async fn compare_in_tx(
    tx: &mut PgConnection,
    built: &Table,
    position: Position,
) -> Result<Verification, ProjectionError> {
    let (rows, fingerprint) = fingerprint(tx, &built.live()).await?;
    let (_, expected) = self::fingerprint(tx, &built.name()).await?;
    let name = built.shape.name;
    let key = ["site_id"].iter().chain(built.shape.key).copied().collect();
    let mut found =
        Verification { name, position, rows, fingerprint, differing: 0, parked: 0, differences: Vec::new(), key };
    if found.fingerprint != expected {
        differences(tx, built, &mut found).await?;
    }
    Ok(found)
}

/// A table's number of rows, and its fingerprint.
async fn fingerprint(tx: &mut PgConnection, table: &str) -> Result<(u64, String), ProjectionError> {
    let sql = format!("select count(*), coalesce(sum(hash_record_extended(t, 0)), 0)::text from {table} t");
    let (rows, sum): (i64, String) = sqlx::query_as(&sql).fetch_one(tx).await?;
    Ok((u64::try_from(rows).unwrap_or_default(), format!("{rows}:{sum}")))
}

/// Looks for the rows that differ.
async fn differences(tx: &mut PgConnection, built: &Table, found: &mut Verification) -> Result<(), ProjectionError> {
    let shape = &built.shape;
    let key = ["site_id"].iter().chain(shape.key).copied().collect::<Vec<_>>().join(", ");
    // The stream that a row belongs to: its key begins with it, or is the position of the event that wrote it.
    let stream = match shape.key {
        [id, ..] if !shape.written_once => format!("{id}::text"),
        _ => "(select e.aggregate_id from events e where e.position = d.position)".to_owned(),
    };
    let sql = format!(
        "with differing as materialized (
            select {key}, row_to_json(l) as live, row_to_json(r) as rebuilt
            from {live} l full join {built} r using ({key}) where l::record is distinct from r::record
         )
         select (select count(*) from differing),
            (select count(*) from differing d join parked_streams p
                on p.projection = $1 and p.site_id = d.site_id and p.stream_id = {stream}),
            live, rebuilt
         from differing order by {key} limit {NAMED}",
        live = built.live(),
        built = built.name(),
    );
    let rows: Vec<(i64, i64, Side, Side)> = sqlx::query_as(&sql).bind(shape.name).fetch_all(tx).await?;
    if let Some((differing, parked, ..)) = rows.first() {
        found.differing = u64::try_from(*differing).unwrap_or_default();
        found.parked = u64::try_from(*parked).unwrap_or_default();
    }
    let side = |side: Side| side.map(|Json(row)| row);
    let named = rows.into_iter().map(|(.., live, rebuilt)| Difference { live: side(live), rebuilt: side(rebuilt) });
    found.differences = named.collect();
    Ok(())
}

/// A row of one of the tables, if it is there.
type Side = Option<Json<Value>>;
