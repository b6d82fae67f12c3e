//! Hearing of appends by other processes, through LISTEN on a tokio-postgres connection (sqlx serves everything else).
//!
//! A notification is a hint: it only wakes those who wait. Without one they poll, so a lost connection costs time and
//! never an event.

use std::future::{pending, poll_fn};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{AsyncMessage, Config, NoTls};

use crate::EventStore;
use crate::apart::unbroken;
use crate::site_databases::Relay;

/// The first and the longest pause before another attempt to connect; it doubles in between.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_mins(1));

/// How the listening connection is made.
#[derive(Clone, Debug)]
pub enum Way {
    /// As the URL of the installation's database says.
    Url(SecretString),
    /// Through the relay of a site's own database.
    Relay(Box<Config>),
}

impl Way {
    /// The way through a relay.
    pub fn through(relay: &Relay) -> Self {
        Self::Relay(Box::new(relay.listening()))
    }

    fn config(&self) -> Result<Config, tokio_postgres::Error> {
        match self {
            Self::Url(url) => url.expose_secret().parse(),
            Self::Relay(config) => Ok(config.as_ref().clone()),
        }
    }
}

/// Listens until it is aborted, and announces what it hears to the store.
pub async fn listen(store: EventStore, way: Way) {
    unbroken("listening", move || connect_again(store.clone(), way.clone())).await;
}

async fn connect_again(store: EventStore, way: Way) {
    let mut pause = RECONNECT.0;
    loop {
        // What has listened for a while does not pay for the failures before that.
        let ended = once(&store, &way, || pause = RECONNECT.0).await;
        match ended {
            Ok(()) => tracing::info!("the listening connection ended; connecting again"),
            Err(error) => tracing::warn!(%error, retry_in = ?pause, "cannot listen for appends; polling goes on"),
        }
        tokio::time::sleep(pause).await;
        pause = RECONNECT.1.min(pause * 2);
    }
}

async fn once(store: &EventStore, way: &Way, listens: impl FnOnce()) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = way.config()?.connect(NoTls).await?;
    let to = store.clone();
    // It is driven by this alone, and keeps nothing of what it hears: a server says as much as it likes.
    let hears = async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(note) = message?
                && let Ok(position) = note.payload().parse()
            {
                to.announce(position);
            }
        }
        Ok(())
    };
    let asks = async {
        client.batch_execute("listen rollbook_events").await?;
        listens();
        // The connection ends with the client.
        pending::<Result<(), tokio_postgres::Error>>().await
    };
    tokio::select! {
        ended = hears => ended,
        failed = asks => failed,
    }
}
