//! The database itself keeps sites apart: what a connection of one site cannot see, read, or write.

use rollbook_domain::SiteId;
use rollbook_store::isolation::every_site;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::harness::{Database, Service, at};
use rollbook_store::Clock;

/// What has no site: the state of the engine, of the installation's mail, and of the migrations.
const OF_NO_SITE: &[&str] = &["_sqlx_migrations", "email_batches", "email_installation", "projections"];

async fn rows(connection: &mut PgConnection, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(&sql).fetch_one(connection).await.expect("a count")
}

#[tokio::test]
async fn every_table_is_guarded_or_is_of_no_site() {
    let database = Database::create().await;
    let sql = "select c.relname::text, c.relrowsecurity and c.relforcerowsecurity
            and exists(select from pg_policy p where p.polrelid = c.oid and p.polname = 'one_site')
        from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1";
    let tables: Vec<(String, bool)> = sqlx::query_as(sql).fetch_all(&database.pool).await.expect("tables");
    assert!(tables.len() > 20, "{tables:?}");
    for (table, guarded) in tables {
        assert_eq!(guarded, !OF_NO_SITE.contains(&table.as_str()), "{table}");
    }
}

#[tokio::test]
async fn a_connection_sees_its_site_and_one_that_names_none_sees_nothing() {
    let service = Service::start("2025-01-07T09:00:00Z").await;
    let module = serde_json::json!({ "code": "M1", "title": "Module" });
    service.create(&service.owner, "DefineModule", module).await;
    service.get(&service.owner, "/v1/modules").await;
    let url: PgConnectOptions = service.database.url.parse().expect("a URL");
    let other = Uuid::new_v4();
    let scopes = [
        (every_site(url.clone()), true),
        (url.clone().options([("rollbook.site", SiteId::DEFAULT.0)]), true),
        (url.clone().options([("rollbook.site", other)]), false),
        (url.clone().options([("rollbook.site", "")]), false),
        (url, false),
    ];
    for (options, sees) in scopes {
        let mut connection = PgConnection::connect_with(&options).await.expect("the service's role connects");
        for table in ["events", "stream_events", "claims", "commands", "tokens", "modules", "people"] {
            assert_eq!(rows(&mut connection, table).await > 0, sees, "{table}");
        }
        let written = sqlx::query("update modules set title = 'Taken' where site_id = $1").bind(SiteId::DEFAULT.0);
        let changed = written.execute(&mut connection).await.expect("an update").rows_affected();
        assert_eq!(changed > 0, sees);
    }
}

#[tokio::test]
async fn nothing_is_written_for_another_site() {
    let database = Database::create().await;
    let (store, here, there) = (database.store(), SiteId(Uuid::new_v4()), SiteId(Uuid::new_v4()));
    let (person, now) = (Uuid::new_v4().into(), at("2025-01-07T09:00:00Z"));
    let ttl = chrono::TimeDelta::hours(1);
    store.of_site(here).issue_token(here, person, now, ttl).await.expect("a token of its own site");
    let refused = store.of_site(here).issue_token(there, person, now, ttl).await.expect_err("a token of another site");
    assert!(refused.to_string().contains("row-level security"), "{refused}");
    assert_eq!(store.of_site(there).revoke_tokens_of(here, person, now).await.expect("an update"), 0);
    assert_eq!(store.of_site(here).revoke_tokens_of(here, person, now).await.expect("an update"), 1);
}

#[tokio::test]
async fn a_rebuilt_read_model_is_guarded_like_the_one_before() {
    let service = Service::on(Database::create().await, Clock::frozen(at("2025-01-07T09:00:00Z"))).await;
    service.get(&service.owner, "/v1/people").await;
    service.projections.rebuild(Some("people"), &mut |_| {}).await.expect("a rebuild");
    let other = SiteId(Uuid::new_v4());
    let store = service.executor.store();
    let count = async |pool: &sqlx::PgPool| rows(&mut pool.acquire().await.expect("a connection"), "people").await;
    assert_eq!(count(store.of_site(SiteId::DEFAULT).pool()).await, 1);
    assert_eq!(count(store.of_site(other).pool()).await, 0);
}
