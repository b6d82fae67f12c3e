//! An event that cannot be read or folded holds up its own stream and no other; it is shown, and taken up after a fix.

mod rows;
mod shown;
mod unreadable;

use rollbook_domain::hub::HubEvent;
use rollbook_domain::{HubId, SiteId};
use rollbook_projections::engine::Status;
use rollbook_projections::{Page, ParkedStream, ProjectionItem, Projections};
use rollbook_store::Position;
use sqlx::PgPool;
use uuid::Uuid;

use super::write;

/// What an older version of the software cannot read: an event type that it does not know.
async fn write_unknown(pool: &PgPool, kind: &str, id: &str) -> Position {
    let sql =
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
        select $1, $2, coalesce(max(sequence), 0) + 1, 'HubBurnt', '1', '{\"HubBurnt\": {}}', '{}'
        from events where aggregate_type = $1 and aggregate_id = $2
        returning position";
    sqlx::query_scalar(sql).bind(kind).bind(id).fetch_one(pool).await.expect("an event of other software")
}

/// Makes what was unknown known, as newer software would.
async fn make_it_known(pool: &PgPool) {
    for sql in [
        "alter table events disable trigger events_append_only",
        "update events set event_type = 'HubClosed', payload = '{\"HubClosed\": {}}' where event_type = 'HubBurnt'",
        "alter table events enable trigger events_append_only",
    ] {
        run(pool, sql).await;
    }
}

async fn run(pool: &PgPool, sql: &str) {
    sqlx::query(sql).execute(pool).await.expect(sql);
}

async fn found(pool: &PgPool, hub: HubId, name: &str) -> Position {
    let founded = HubEvent::HubFounded { name: name.into(), place: None };
    write(pool, SiteId::DEFAULT, hub.into(), None, &founded.into()).await
}

async fn rename(pool: &PgPool, hub: HubId, name: &str) -> Position {
    let renamed = HubEvent::HubRenamed { name: name.into(), place: None };
    write(pool, SiteId::DEFAULT, hub.into(), None, &renamed.into()).await
}

async fn name_of(pool: &PgPool, hub: HubId) -> String {
    let sql = "select name from hubs where hub_id = $1";
    sqlx::query_scalar(sql).bind(hub.0).fetch_one(pool).await.expect("the hub")
}

async fn list(projections: &Projections) -> Vec<ProjectionItem> {
    projections.list().await.expect("a list")
}

async fn parked(projections: &Projections, name: &str) -> Vec<ParkedStream> {
    projections.parked(name, Some(SiteId::DEFAULT), &Page::default()).await.expect("a list").items
}

async fn assert_parked(projections: &Projections, expected: impl Fn(&str) -> i64) {
    for item in list(projections).await {
        assert_eq!((item.parked, item.status, item.lag), (expected(&item.name), Status::Live, 0), "{}", item.name);
    }
}

fn hub() -> HubId {
    HubId(Uuid::new_v4())
}
