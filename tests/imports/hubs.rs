//! Hubs that were founded before rosters could name them.

use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::counts;
use crate::school::School;

async fn open_hubs(pool: &PgPool) -> Vec<(Uuid, String, Uuid)> {
    let sql = "select site_id, key, owner from claims where kind = 'open_hub' order by key";
    sqlx::query_as(sql).fetch_all(pool).await.expect("the claims")
}

#[tokio::test]
async fn the_migration_claims_the_hubs_that_are_open_and_no_others() {
    let school = School::open().await;
    let closed = school.service.create(&school.owner, "FoundHub", json!({"name": "Westland"})).await;
    school.command("CloseHub", json!({"hub_id": closed})).await;
    let pool = &school.service.database.pool;
    // A stream of other software, whose id need not be one of ours.
    sqlx::query(
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         values ('hub', 'theirs', 1, 'HubFounded', '1', '{\"HubFounded\":{\"name\":\"Theirs\"}}', '{}')",
    )
    .execute(pool)
    .await
    .expect("other software appends");
    let before = open_hubs(pool).await;
    assert_eq!(before.len(), 2);

    sqlx::query("delete from claims where kind = 'open_hub'").execute(pool).await.expect("as it was before");
    for _ in 0..2 {
        sqlx::raw_sql(include_str!("../../migrations/0220_open_hubs.sql")).execute(pool).await.expect("the migration");
        assert_eq!(open_hubs(pool).await, before);
    }
    let file = "name,email,hub\nZoë,zoe@example.org,northland\nLars,lars@example.org,Westland\n";
    assert_eq!(counts(&school.roster(true, file).await), [1, 0, 0, 0, 1]);
}
