//! Hearing of appends by other processes, through LISTEN on a tokio-postgres connection (sqlx serves everything else).
//!
//! A notification is a hint: it only wakes those who wait. Without one they poll, so a lost connection costs time and
//! never an event.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, NoTls};

use crate::EventStore;

/// The first and the longest pause before another attempt to connect; it doubles in between.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_mins(1));

/// Listens until it is aborted, and announces what it hears to the store. `url` is the database's.
pub async fn listen(store: EventStore, url: SecretString) {
    let mut pause = RECONNECT.0;
    loop {
        // What has listened for a while does not pay for the failures before that.
        let ended = once(&store, &url, || pause = RECONNECT.0).await;
        match ended {
            Ok(()) => tracing::info!("the listening connection ended; connecting again"),
            Err(error) => tracing::warn!(%error, retry_in = ?pause, "cannot listen for appends; polling goes on"),
        }
        tokio::time::sleep(pause).await;
        pause = RECONNECT.1.min(pause * 2);
    }
}

async fn once(store: &EventStore, url: &SecretString, listens: impl FnOnce()) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await?;
    let (sender, mut heard) = mpsc::unbounded_channel();
    let mut driver = tokio::spawn(async move {
        loop {
            match std::future::poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(note))) => {
                    if sender.send(note).is_err() {
                        return Ok(());
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            }
        }
    });
    client.batch_execute("listen rollbook_events").await?;
    listens();
    loop {
        tokio::select! {
            note = heard.recv() => match note {
                Some(note) => if let Ok(position) = note.payload().parse() {
                    store.announce(position);
                },
                None => return Ok(()),
            },
            ended = &mut driver => return ended.unwrap_or(Ok(())),
        }
    }
}
