//! A real PostgreSQL for every test run, and a database of its own for every test, copied from a migrated template.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use rollbook_embedded::Instance;
use rollbook_store::EventStore;
use rollbook_store::migrate::migrate;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::OnceCell;

/// The server that all tests of this run share: it ends with this process, however that ends.
static SERVER: OnceCell<Instance> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

const TEMPLATE: &str = "rollbook_template";

/// A database of one test.
pub struct Database {
    /// Its URL, for the service's own role.
    pub url: String,
    /// Connections of the service's own role.
    pub pool: PgPool,
}

impl Database {
    /// A fresh database, with the migrations in it.
    pub async fn create() -> Self {
        let server = server().await;
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::SeqCst));
        let mut admin = PgConnection::connect(server.superuser_url()).await.expect("the superuser connects");
        sqlx::query(&format!("create database {name} template {TEMPLATE} owner rollbook"))
            .execute(&mut admin)
            .await
            .expect("a database is created from the template");
        admin.close().await.expect("the superuser leaves");
        let pool = PgPoolOptions::new()
            .max_connections(20)
            .connect_with(options(server).database(&name))
            .await
            .expect("the service's role connects");
        let url = server.url().rsplit_once('/').map(|(host, _)| format!("{host}/{name}")).expect("a URL with a path");
        Self { url, pool }
    }

    /// The event store of this database.
    pub fn store(&self) -> EventStore {
        EventStore::new(self.pool.clone())
    }
}

async fn server() -> &'static Instance {
    SERVER
        .get_or_init(|| async {
            let settings = [("max_connections", "600")];
            let server = rollbook_embedded::temporary(&settings).await.expect("a server starts");
            let mut admin = PgConnection::connect(server.superuser_url()).await.expect("the superuser connects");
            sqlx::query(&format!("create database {TEMPLATE} owner rollbook"))
                .execute(&mut admin)
                .await
                .expect("the template is created");
            admin.close().await.expect("the superuser leaves");
            let template = PgPoolOptions::new()
                .max_connections(1)
                .connect_with(options(&server).database(TEMPLATE))
                .await
                .expect("the template takes connections");
            migrate(&template).await.expect("the migrations run");
            // A template that somebody is connected to cannot be copied.
            template.close().await;
            server
        })
        .await
}

fn options(server: &Instance) -> PgConnectOptions {
    server.url().parse().expect("a URL that sqlx reads")
}

/// An instant from its RFC 3339 form.
pub fn at(instant: &str) -> DateTime<Utc> {
    instant.parse().expect("an RFC 3339 instant")
}
