//! A PostgreSQL of its own for the figures, with the durable settings of the embedded default; it never reuses one.

use rollbook_embedded::Instance;
use rollbook_store::connect::pool_options;
use rollbook_store::isolation::every_site;
use rollbook_store::migrate::migrate;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};

use crate::cpu::Cpu;
use crate::statements;

/// The settings that the embedded server has by default, and room for many connections.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "128MB"),
    ("max_wal_size", "1GB"),
    ("max_connections", "200"),
];

/// The server.
pub struct Server {
    instance: Instance,
}

/// A database on it.
pub struct Database {
    /// Its URL, for the service's role.
    pub url: String,
    /// Connections of the service's role.
    pub pool: PgPool,
}

impl Server {
    /// Starts it in a temporary folder.
    pub async fn start() -> Self {
        let profiled = if statements::wanted() { statements::SETTINGS } else { &[] };
        let instance = rollbook_embedded::temporary(&[SETTINGS, profiled].concat()).await.expect("a server starts");
        let pid = std::fs::read_to_string(instance.directory().join("postmaster.pid")).expect("its process");
        Cpu::look_at(pid.lines().next().and_then(|pid| pid.parse().ok()).expect("a number"));
        Self { instance }
    }

    /// A fresh database; `migrated`: with the tables of the service.
    pub async fn database(&self, name: &str, migrated: bool) -> Database {
        let mut admin = self.superuser().await;
        for statement in [format!("drop database if exists {name}"), format!("create database {name} owner rollbook")] {
            sqlx::query(&statement).execute(&mut admin).await.expect("a database is made");
        }
        admin.close().await.expect("the superuser leaves");
        let options: PgConnectOptions = self.instance.url().parse().expect("a URL");
        let pool = pool_options(64)
            .connect_with(every_site(options.database(name)))
            .await
            .expect("the service's role connects");
        if migrated {
            migrate(&pool).await.expect("the migrations run");
        }
        let host = self.instance.url().rsplit_once('/').expect("a URL with a path").0;
        Database { url: format!("{host}/{name}"), pool }
    }

    /// A connection of the superuser.
    pub async fn superuser(&self) -> PgConnection {
        PgConnection::connect(self.instance.superuser_url()).await.expect("the superuser connects")
    }

    /// Ends it, and removes its folder.
    pub async fn stop(self) {
        self.instance.stop().await.expect("the server stops");
    }
}
