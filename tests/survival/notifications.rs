//! Without notifications the service is slower and nothing else: its connection for them is cut, or it never gets one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rollbook_domain::SiteId;
use serde_json::json;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::scene::{serve, status_at, token};
use crate::binary::program::Home;
use crate::harness::{Database, client, eventually};

/// Appends behind the service's back: only the log tells that something has happened.
async fn append(pool: &PgPool) -> i64 {
    let sql = "insert into events (site_id, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
            metadata)
        values ($1, 'hub', $2, 1, 'HubFounded', '1', $3::json, '{}') returning position";
    let payload = json!({"HubFounded": {"name": "Unheard of", "place": null}});
    let query = sqlx::query_scalar(sql).bind(SiteId::DEFAULT.0).bind(Uuid::new_v4().to_string());
    query.bind(payload.to_string()).fetch_one(pool).await.expect("an event")
}

/// The process that listens in this database.
async fn listener(pool: &PgPool) -> Option<i32> {
    let sql = "select pid from pg_stat_activity
        where datname = current_database() and query = 'listen rollbook_events' limit 1";
    sqlx::query_scalar(sql).fetch_optional(pool).await.expect("the connections")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_of_the_notifications_stops_nothing_and_they_come_back() {
    let (home, database) = (Home::new(), Database::create().await);
    let url = Some(database.url.as_str());
    let process = serve(&home, url, None);
    let token = token(&home, url);
    let mut last = None;
    for _ in 0..2 {
        let pid = eventually(Duration::from_mins(1), "it listens", async || {
            listener(&database.pool).await.filter(|pid| Some(*pid) != last)
        });
        let pid = pid.await;
        let cut = "select pg_terminate_backend($1)";
        assert!(sqlx::query_scalar::<_, bool>(cut).bind(pid).fetch_one(&database.pool).await.expect("it is cut"));
        let position = append(&database.pool).await;
        assert_eq!(status_at(&client(), &process.url, &token, position).await, 200);
        last = Some(pid);
    }
}

/// Passes everything on to the database but a connection that wants to listen, as poolers do that share connections.
async fn pooler(database: String, refused: Arc<AtomicU32>) -> String {
    let (scheme, rest) = database.split_once('@').expect("a URL with a password");
    let (server, name) = rest.split_once('/').expect("a URL with a database");
    let entrance = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("{scheme}@{}/{name}", entrance.local_addr().expect("an address"));
    let server = server.to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = entrance.accept().await {
            let server = TcpStream::connect(&server).await.expect("the database");
            tokio::spawn(pass_on(client, server, refused.clone()));
        }
    });
    url
}

async fn pass_on(client: TcpStream, server: TcpStream, refused: Arc<AtomicU32>) -> std::io::Result<()> {
    let (mut asks, mut hears) = client.into_split();
    let (mut answers, mut takes) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut answers, &mut hears).await });
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = asks.read(&mut bytes).await?;
        let wants_to_listen = bytes[..read].windows(7).any(|word| word == b"listen ");
        refused.fetch_add(wants_to_listen.into(), Ordering::SeqCst);
        if read == 0 || wants_to_listen {
            back.abort();
            return Ok(());
        }
        takes.write_all(&bytes[..read]).await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_can_never_listen_polls() {
    let (home, database) = (Home::new(), Database::create().await);
    let refused = Arc::new(AtomicU32::new(0));
    let url = pooler(database.url.clone(), refused.clone()).await;
    let process = serve(&home, Some(&url), None);
    let token = token(&home, Some(&url));
    for _ in 0..3 {
        let position = append(&database.pool).await;
        assert_eq!(status_at(&client(), &process.url, &token, position).await, 200);
    }
    assert_eq!(listener(&database.pool).await, None);
    assert!(refused.load(Ordering::SeqCst) > 0, "it has tried");
}
