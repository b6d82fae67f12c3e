//! The read models on a real PostgreSQL: the engine's promises, and what the queries answer.

mod engine;
mod parking;
mod queries;
mod rebuild;

use std::time::Duration;

use chrono::{DateTime, Utc};
use rollbook_domain::{Event, PersonId, SiteId, StreamId};
use rollbook_projections::Projections;
use rollbook_store::{EventStore, Position};
use sqlx::PgPool;

/// Long enough for any machine; nothing waits longer than it must.
pub const SOON: Duration = Duration::from_secs(20);

/// Writes an event behind the service's back, as an unmodified postgres-es would; folds must not care whether the rules
/// would have allowed it.
pub async fn write(pool: &PgPool, site: SiteId, stream: StreamId, actor: Option<PersonId>, event: &Event) -> Position {
    write_at(pool, site, stream, actor, event, "2026-02-03T09:00:00.123456Z".parse().expect("an instant")).await
}

async fn write_at(
    pool: &PgPool,
    site: SiteId,
    stream: StreamId,
    actor: Option<PersonId>,
    event: &Event,
    at: DateTime<Utc>,
) -> Position {
    let mut metadata = serde_json::json!({"authority": "admin"});
    if let Some(actor) = actor {
        metadata["actor"] = actor.to_string().into();
    }
    let sql = "insert into events (site_id, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
            metadata, recorded_at)
        select $1, $2, $3, coalesce(max(sequence), 0) + 1, $4, $5, $6::json, $7::json, $8
        from events where aggregate_type = $2 and aggregate_id = $3
        returning position";
    sqlx::query_scalar(sql)
        .bind(site.0)
        .bind(stream.kind.as_str())
        .bind(stream.id.to_string())
        .bind(event.type_name())
        .bind(event.version())
        .bind(event.payload().expect("a payload"))
        .bind(metadata.to_string())
        .bind(at)
        .fetch_one(pool)
        .await
        .expect("the event is written")
}

/// Waits until the read models have come to the end of the log.
pub async fn caught_up(store: &EventStore, projections: &Projections) {
    let head = store.head().await.expect("a head");
    projections.wait_for(head, SOON).await.expect("the read models catch up");
}
