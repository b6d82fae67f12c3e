//! The log as it grows, as server-sent events, for owners and admins. Every subscriber is fed by a task of its own, which
//! reads the log by position: nothing is skipped and nothing comes twice, however often the subscriber takes it up again.
//!
//! Nothing is kept for a subscriber but a few events on their way; who does not take them is let go.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream::poll_fn;
use metrics::gauge;
use rollbook_domain::SiteId;
use rollbook_projections::logged::{EventItem, event_items};
use rollbook_store::{LogView, Position, StoreError, Stretch};
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::auth::{Admin, Authenticated, presented};
use crate::headers::single;
use crate::in_flight::Client;
use crate::operation::{Audience, Header, Operation, Success, position_header};
use crate::problem::ApiError;
use crate::processor::Kind;
use crate::query_params::{QueryParams, invalid};
use crate::state::AppState;

/// The header that says where a broken-off subscription goes on.
const LAST_EVENT_ID: &str = "Last-Event-ID";
/// How many events are read at a time.
const BATCH: i64 = 200;
/// How many events are on their way at most, besides what the connection holds.
const ON_THEIR_WAY: usize = 32;
/// How long a subscriber may take none.
const STALLED: Duration = Duration::from_secs(10);
/// How often the log is looked at when nobody says that there is something.
const POLL: Duration = Duration::from_millis(250);
/// How often the subscriber's token and roles are looked at.
const RIGHTS: Duration = Duration::from_millis(500);
/// How often something is said when nothing happens, so that nobody in between takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![Operation {
        id: "subscribe",
        method: "get",
        path: "/v1/events/stream".to_owned(),
        summary:
            "The log in order and as it grows, as server-sent events; a subscription that broke off goes on after \
            its last event"
                .to_owned(),
        audience: Audience::Admins,
        address: &[],
        query: vec![StreamAsked::json_schema],
        headers: &[Header {
            name: LAST_EVENT_ID,
            pattern: "^[0-9]{1,18}$",
            description: "The `id` of the last event that was seen; it goes before `after`.",
        }],
        command: None,
        body: None,
        upload: &[],
        success: Success::Events(SchemaGenerator::subschema_for::<EventItem>),
        takes_long: false,
        route: get(subscribe),
    }]
}

/// From where on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StreamAsked {
    /// Begin after this position; without it, at the log's beginning.
    #[schemars(range(min = 0))]
    after: Option<Position>,
}

async fn subscribe(
    State(state): State<AppState>,
    Admin(caller): Admin,
    client: Option<Extension<Client>>,
    headers: HeaderMap,
    asked: QueryParams,
) -> Result<Response, ApiError> {
    let StreamAsked { after } = asked.filter()?;
    if after.is_some_and(|position| position < 0) {
        return Err(invalid("after", "must be 0 or more"));
    }
    let after = last_seen(&headers)?.or(after).unwrap_or(0);
    let token = presented(&headers)?.token;
    let subscribed = state.shares().subscribe(caller.site, caller.reader.person);
    let subscribed = subscribed.ok_or(ApiError::TooManyRequests { wait: HEARTBEAT })?;
    let (sender, receiver) = mpsc::channel(ON_THEIR_WAY);
    let client = client.map(|Extension(client)| client);
    let log = Log { state, client, site: caller.site, view: caller.who.log_view() };
    let serving = serve(log, token, after, sender);
    tokio::spawn(async move {
        serving.await;
        drop(subscribed);
    });
    Ok((position_header(caller.head), answer(receiver)).into_response())
}

/// The position in `Last-Event-ID`.
fn last_seen(headers: &HeaderMap) -> Result<Option<Position>, ApiError> {
    let Some(text) = single(headers, LAST_EVENT_ID)?.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let position = text.parse().ok().filter(|position| *position >= 0);
    position.map(Some).ok_or_else(|| ApiError::BadHeader(format!("{LAST_EVENT_ID} must be a position of the log")))
}

/// The events as they come, with a heartbeat.
fn answer(mut events: Receiver<Event>) -> impl IntoResponse {
    let events = poll_fn(move |context| events.poll_recv(context).map(|event| event.map(Ok::<_, Infallible>)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("heartbeat"))
}

/// The log as a subscriber reads it.
#[derive(Clone)]
struct Log {
    state: AppState,
    /// Whose reading it is; nobody's where nobody is counted.
    client: Option<Client>,
    site: SiteId,
    view: LogView,
}

/// Feeds a subscriber until something ends it.
async fn serve(log: Log, token: SecretString, after: Position, events: Sender<Event>) {
    let open = gauge!("rollbook_http_subscriptions");
    open.increment(1);
    let why = tokio::select! {
        why = feed(&log, after, &events) => why,
        why = rights_end(&log.state, &token, log.view) => why,
        () = log.state.closed() => "the site is closed",
        () = events.closed() => "the subscriber has gone",
        () = log.state.ended() => "the service ends",
    };
    open.decrement(1);
    tracing::info!(why, "a subscription ended");
}

/// Reads the log and hands it on, for as long as the subscriber takes it; says why it does not go on.
async fn feed(log: &Log, mut after: Position, events: &Sender<Event>) -> &'static str {
    let mut heard = log.state.store().heard();
    loop {
        heard.mark_unchanged();
        let (read, reached) = match log.next(after).await {
            Ok(read) => read,
            Err(why) => return why,
        };
        after = reached;
        if read.is_empty() {
            tokio::select! {
                _ = heard.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        for event in read {
            if let Err(why) = hand_on(events, event).await {
                return why;
            }
        }
    }
}

impl Log {
    /// The next events, and how far that is. What it takes is the subscriber's, like everything that they read.
    async fn next(&self, after: Position) -> Result<(Vec<Event>, Position), &'static str> {
        let log = self.clone();
        let reading = async move { log.read(after).await };
        match &self.client {
            Some(client) => client.answer(Kind::Read, reading).await.unwrap_or(Err("too much is read already")),
            None => reading.await,
        }
    }

    async fn read(&self, after: Position) -> Result<(Vec<Event>, Position), &'static str> {
        let store = self.state.store();
        let read = store.read_site(self.site, after, BATCH, self.view).await;
        let Stretch { events, reached, .. } = read.map_err(|error| unreadable(&error))?;
        if events.is_empty() {
            return Ok((Vec::new(), reached));
        }
        let items = event_items(store.pool(), self.site, events).await.map_err(|_| "the names cannot be read")?;
        let events = items.iter().map(as_event).collect::<Result<_, _>>().map_err(|_| "an event cannot be written")?;
        Ok((events, reached))
    }
}

fn unreadable(error: &StoreError) -> &'static str {
    tracing::warn!(%error, "the log cannot be read for a subscription");
    "the log cannot be read"
}

fn as_event(item: &EventItem) -> Result<Event, axum::Error> {
    Event::default().id(item.position.to_string()).event(item.event_type).json_data(item)
}

/// Hands one event on; not to whoever has taken none for too long.
async fn hand_on(events: &Sender<Event>, event: Event) -> Result<(), &'static str> {
    match timeout(STALLED, events.send(event)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err("the subscriber has gone"),
        Err(_) => Err("the subscriber does not take its events"),
    }
}

/// Waits until the token or the role is gone; says which way.
async fn rights_end(state: &AppState, token: &SecretString, view: LogView) -> &'static str {
    let mut every = interval(RIGHTS);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        match Authenticated::of(state, token).await {
            Ok(Some(who)) if who.is_admin() && who.log_view() == view => {}
            Ok(Some(_)) => return "the subscriber may not read the log any more, or not as before",
            Ok(None) => return "the token is not valid any more",
            Err(_) => return "whether the subscriber may still read the log cannot be told",
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    fn headers(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(LAST_EVENT_ID.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn goes_on_after_a_position_and_nothing_else() {
        assert_eq!(last_seen(&HeaderMap::new()).unwrap(), None);
        assert_eq!(last_seen(&headers("")).unwrap(), None);
        assert_eq!(last_seen(&headers("17")).unwrap(), Some(17));
        for wrong in ["-1", "x", "1.5", "99999999999999999999"] {
            assert!(matches!(last_seen(&headers(wrong)), Err(ApiError::BadHeader(_))), "{wrong}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lets_go_of_who_takes_nothing() {
        let (sender, mut receiver) = mpsc::channel(1);
        assert_eq!(hand_on(&sender, Event::default().data("1")).await, Ok(()));
        assert_eq!(hand_on(&sender, Event::default().data("2")).await, Err("the subscriber does not take its events"));
        // What was handed on is still there to be read, and then it ends.
        drop(sender);
        let body = to_bytes(answer_of(&mut receiver), usize::MAX).await.unwrap();
        assert_eq!(body, "data: 1\n\n");
    }

    fn answer_of(receiver: &mut Receiver<Event>) -> axum::body::Body {
        let (_, empty) = mpsc::channel(1);
        answer(std::mem::replace(receiver, empty)).into_response().into_body()
    }

    #[tokio::test(start_paused = true)]
    async fn says_that_it_is_there_when_nothing_happens() {
        let (sender, mut receiver) = mpsc::channel(1);
        let ended = tokio::spawn(async move {
            tokio::time::sleep(HEARTBEAT * 2 + Duration::from_secs(1)).await;
            drop(sender);
        });
        let body = to_bytes(answer_of(&mut receiver), usize::MAX).await.unwrap();
        assert_eq!(body, ": heartbeat\n\n: heartbeat\n\n");
        ended.await.unwrap();
    }
}
