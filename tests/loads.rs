//! What commands are decided on is found row by row, through keys, however the tables have grown since it was planned.

use rollbook_domain::claim::ClaimKey;
use rollbook_domain::{PersonId, SiteId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::harness::{Database, eventually};
use crate::read_models::SOON;

/// Beyond this many rows, more was read than what was asked for.
const FEW: i64 = 10;

#[tokio::test]
async fn a_load_that_was_planned_over_empty_tables_reads_no_more_of_full_ones_than_it_asks_for() {
    let database = Database::create().await;
    let pool = &database.pool;
    let store = database.store();
    sqlx::raw_sql("analyze events, claims").execute(pool).await.expect("the tables are known to be empty");
    let load_owner = || store.owner(SiteId::DEFAULT, ClaimKey::email("ari@example.org"));
    let load_person = || store.person(SiteId::DEFAULT, PersonId(Uuid::from_u128(2_000)));
    assert_eq!(load_owner().await.expect("a load"), None);
    assert_eq!(load_person().await.expect("a load").version, 0);

    let full = "insert into claims (site_id, kind, key, owner)
            select '00000000-0000-0000-0000-000000000001', 'email', 'key ' || n, gen_random_uuid()
            from generate_series(1, 5000) n;
        insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position)
            select 'person', lpad(to_hex(n), 32, '0')::uuid::text, 1, 'PersonDeactivated', '1', '{\"PersonDeactivated\": {\"reason\": \"gone\"}}',
                '{}', n
            from generate_series(1, 5000) n";
    sqlx::raw_sql(full).execute(pool).await.expect("the tables are full");

    assert_eq!(load_owner().await.expect("a load"), None);
    assert_eq!(load_person().await.expect("a load").version, 1);

    // A connection that ends tells what it has counted.
    store.close().await;
    for table in ["claims", "events"] {
        let read = eventually(SOON, "the reads are counted", async || {
            let (scans, read) = counted(pool, table).await;
            (scans >= 2).then_some(read)
        });
        let read = read.await;
        assert!(read <= FEW, "{read} {table} were read to find one");
    }
}

/// How often a table was scanned, and how many rows of it were read by that.
async fn counted(pool: &PgPool, table: &str) -> (i64, i64) {
    let sql = "select t.seq_scan + sum(i.idx_scan)::bigint, t.seq_tup_read + sum(i.idx_tup_read)::bigint
        from pg_stat_user_tables t join pg_stat_user_indexes i using (relid)
        where t.relname = $1 group by t.seq_scan, t.seq_tup_read";
    sqlx::query_as(sql).bind(table).fetch_one(pool).await.expect("the server counts")
}
