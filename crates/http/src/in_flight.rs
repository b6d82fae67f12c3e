//! Bytes on their way. What clients send is in memory until it has been read, what they are sent until they have taken it:
//! so much of it for one client, for one site and for all together, however many connections there are. And whoever sends
//! goes on sending, or is done with.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::RequestExt as _;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http_body::{Frame, SizeHint};
use rollbook_domain::SiteId;
use tokio::time::{Instant, Sleep, sleep};

use crate::at_once::{AtOnce, OneOf};
use crate::auth::Sender;
use crate::layers::is_of_events;
use crate::limits::Who;
use crate::problem::ApiError;
use crate::processor::{Kind, Processor, Served};

/// What is not counted: the usual request and the usual answer. Of these there are no more than connections.
const SMALL_BYTES: usize = 16 << 10;

/// The most of one client, in bytes: two files of rosters, the largest that is taken in at once.
const OF_CLIENT_BYTES: usize = 48 << 20;

/// The most of one site, in bytes: two such clients.
const OF_SITE_BYTES: usize = 96 << 20;

/// The most of all together, in bytes: a quarter of what the service may have.
const OF_ALL_BYTES: usize = 256 << 20;

/// How long a client waits that has too much on its way already.
const A_MOMENT: Duration = Duration::from_secs(2);

/// How long a client may send nothing of a body that it has begun.
const SILENT: Duration = Duration::from_secs(15);

/// From when on a body must have come at [`SLOWEST_BYTES`] a second, taken over all of it.
const GRACE: Duration = Duration::from_secs(30);

/// The slowest that a body may come, in bytes a second: less than any network that is in use.
const SLOWEST_BYTES: u64 = 1 << 10;

/// What is on its way. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct InFlight(AtOnce<Share>);

/// Whose share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Share {
    Client(Who, SiteId),
    Site(SiteId),
    All,
}

/// A client, with what is on its way to it and from it.
#[derive(Clone, Debug)]
pub struct Client {
    /// What is on its way to all of them.
    pub all: InFlight,
    /// Who it is.
    pub who: Who,
    /// Whose site it asks.
    pub served: Served,
    /// What all of them have had of the processor.
    pub processor: Processor,
}

/// Bytes that are counted for as long as this lives.
#[derive(Debug)]
pub struct Held {
    _shares: [OneOf<Share>; 3],
}

impl Client {
    /// Has a request of this client answered where it belongs.
    pub async fn answer<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.processor.answer((self.who, self.served), kind, work).await
    }

    /// Counts so many bytes more.
    fn hold(&self, bytes: usize) -> Result<Held, ApiError> {
        let hold = |share, at_most| self.all.0.hold(share, bytes, at_most);
        let too_many = || ApiError::TooManyRequests { wait: A_MOMENT };
        let client = hold(Share::Client(self.who, self.served.site), OF_CLIENT_BYTES).ok_or_else(too_many)?;
        let site = hold(Share::Site(self.served.site), OF_SITE_BYTES).ok_or_else(too_many)?;
        let all = hold(Share::All, OF_ALL_BYTES).ok_or(ApiError::Overloaded)?;
        Ok(Held { _shares: [client, site, all] })
    }
}

/// A body that has come in, counted until it is dropped.
#[derive(Debug)]
pub struct Whole {
    /// All of it.
    pub bytes: Bytes,
    _held: Vec<Held>,
}

impl From<Bytes> for Whole {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, _held: Vec::new() }
    }
}

/// Why a body was not taken in.
#[derive(Debug)]
pub enum NotReceived {
    /// It is larger than its operation takes.
    TooLarge,
    /// It did not come to its end.
    BrokenOff(String),
    /// There is too much on its way already.
    Refused(ApiError),
}

impl NotReceived {
    /// What the client is told; what is too large differs by what it is.
    pub fn or(self, too_large: ApiError) -> ApiError {
        match self {
            Self::TooLarge => too_large,
            Self::BrokenOff(why) => ApiError::BrokenOff(why),
            Self::Refused(refusal) => refusal,
        }
    }
}

/// Takes in a request's body, as large as its operation takes it. Whoever sends it was looked at when its head had come, so that
/// strangers send nothing; what was not there by then may have been a long time coming, and they are looked at again.
pub async fn received(request: Request) -> Result<Whole, NotReceived> {
    let sender = request.extensions().get::<Sender>().cloned();
    let at_once = request.extensions().get::<WithItsHead>().is_some();
    let whole = taken_in(request).await?;
    if let Some(Sender(sender)) = sender.filter(|_| !at_once) {
        sender.still().await.map_err(NotReceived::Refused)?;
    }
    Ok(whole)
}

async fn taken_in(request: Request) -> Result<Whole, NotReceived> {
    let client = request.extensions().get::<Client>().cloned();
    let mut body = request.into_limited_body();
    let (mut bytes, mut held, mut room) = (BytesMut::new(), Vec::new(), SMALL_BYTES);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| not_received(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > room {
            // What is still to come is known, mostly; and memory doubles where it is not.
            let further = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
            let further = data.len().saturating_add(further).max(bytes.len());
            if let Some(client) = &client {
                held.push(client.hold(further).map_err(NotReceived::Refused)?);
            }
            bytes.reserve(further);
            room = bytes.len() + further;
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Whole { bytes: bytes.freeze(), _held: held })
}

fn not_received(error: &axum::Error) -> NotReceived {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if cause.is::<http_body_util::LengthLimitError>() {
            return NotReceived::TooLarge;
        }
        if let Some(slow) = cause.downcast_ref::<TooSlow>() {
            return NotReceived::BrokenOff(slow.to_string());
        }
        source = cause.source();
    }
    NotReceived::BrokenOff("the body did not come to its end".to_owned())
}

/// Counts what comes in and goes out, and is done with whoever sends too slowly.
pub async fn in_flight(request: Request, next: Next) -> Response {
    let Some(client) = request.extensions().get::<Client>().cloned() else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let mut body = Received::new(body);
    // Whoever waits to be told to send is looked at first.
    let at_once = !parts.headers.contains_key(EXPECT) && body.is_there().await;
    let mut request = Request::from_parts(parts, Body::new(body));
    if at_once {
        request.extensions_mut().insert(WithItsHead);
    }
    let response = next.run(request).await;
    let exact = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    // What is known beforehand is refused rather than broken off.
    let held = match exact.filter(|bytes| *bytes > SMALL_BYTES).map(|bytes| client.hold(bytes)) {
        Some(Err(refusal)) => return refusal.into_response(),
        held => held.and_then(Result::ok),
    };
    // What is known is made, and what is heard of the log is sent as it comes.
    let made = exact.is_some() || is_of_events(response.headers());
    response.map(|body| {
        let body = if made { body } else { client.processor.paced((client.who, client.served), body) };
        Body::new(Sent { body, client, held })
    })
}

/// A request's body was there as a whole before anybody looked at who sends it, as the usual one is: they need not be looked at again.
#[derive(Clone, Copy, Debug)]
struct WithItsHead;

/// How often the connection has its turn to hand on what it has of a body: once to hear that it is wanted, and once to read it.
const TURNS: usize = 2;

/// A body that must go on coming.
struct Received {
    body: Body,
    /// What was there with the head.
    early: VecDeque<Result<Frame<Bytes>, axum::Error>>,
    begun: Instant,
    bytes: u64,
    silent: Pin<Box<Sleep>>,
}

/// A body that came too slowly.
#[derive(Debug, thiserror::Error)]
enum TooSlow {
    #[error("nothing of the body came for {} s", SILENT.as_secs())]
    Silent,
    #[error("the body came at less than {SLOWEST_BYTES} bytes a second")]
    Slow,
}

impl Received {
    fn new(body: Body) -> Self {
        Self { body, early: VecDeque::new(), begun: Instant::now(), bytes: 0, silent: Box::pin(sleep(SILENT)) }
    }

    /// Takes what of the body is there with the head, if that is little; whether it is all of it. Nothing is waited for.
    async fn is_there(&mut self) -> bool {
        let mut bytes = 0;
        // Of what is large nothing is taken from strangers.
        if self.body.size_hint().lower() > SMALL_BYTES as u64 {
            return false;
        }
        for turn in 0..=TURNS {
            while bytes <= SMALL_BYTES {
                if self.body.is_end_stream() {
                    return true;
                }
                match poll_fn(|context| Poll::Ready(Pin::new(&mut self.body).poll_frame(context))).await {
                    Poll::Ready(Some(Ok(frame))) => {
                        bytes += frame.data_ref().map_or(0, Bytes::len);
                        self.early.push_back(Ok(frame));
                    }
                    Poll::Ready(Some(Err(error))) => {
                        self.early.push_back(Err(error));
                        return false;
                    }
                    Poll::Ready(None) => return true,
                    Poll::Pending => break,
                }
            }
            if turn < TURNS {
                tokio::task::yield_now().await;
            }
        }
        false
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(early) = self.early.pop_front() {
            self.bytes += early.as_ref().ok().and_then(Frame::data_ref).map_or(0, |data| data.len() as u64);
            return Poll::Ready(Some(early));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.silent.as_mut().poll(context));
            return Poll::Ready(Some(Err(axum::Error::new(TooSlow::Silent))));
        };
        if let Some(Ok(frame)) = &frame {
            let now = Instant::now();
            self.silent.as_mut().reset(now + SILENT);
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            let lasted = now - self.begun;
            if lasted > GRACE && self.bytes < lasted.as_secs() * SLOWEST_BYTES {
                return Poll::Ready(Some(Err(axum::Error::new(TooSlow::Slow))));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.early.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let early = self.early.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref());
        let early: u64 = early.map(|data| data.len() as u64).sum();
        let mut hint = self.body.size_hint();
        // The upper first: the lower is never above it.
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(early));
        }
        hint.set_lower(hint.lower().saturating_add(early));
        hint
    }
}

/// An answer whose bytes are counted until the connection has let go of them.
struct Sent {
    body: Body,
    client: Client,
    /// What was counted beforehand, until its frame comes.
    held: Option<Held>,
}

/// Bytes of an answer that are counted.
struct Counted {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Sent {
    fn counted(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, axum::Error> {
        let large = frame.data_ref().is_some_and(|data| data.len() > SMALL_BYTES);
        match frame.into_data() {
            Ok(bytes) if large => {
                // The status is sent: all that can be said now is that this is not the end.
                let held = self.held.take().map_or_else(|| self.client.hold(bytes.len()), Ok);
                let held = held.map_err(|refusal| axum::Error::new(refusal.code()))?;
                Ok(Frame::data(Bytes::from_owner(Counted { bytes, _held: held })))
            }
            Ok(bytes) => Ok(Frame::data(bytes)),
            Err(frame) => Ok(frame),
        }
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| frame.and_then(|frame| self.counted(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::iter::repeat_n;

    use axum::Router;
    use axum::extract::DefaultBodyLimit;
    use axum::middleware::from_fn;
    use axum::routing::{get, post};
    use futures::StreamExt;
    use futures::stream;
    use http_body_util::BodyExt;
    use rollbook_domain::PersonId;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tower::ServiceExt;

    use super::*;
    use crate::Limits;
    use crate::connections::serve;

    const HALF: usize = OF_CLIENT_BYTES / 2;

    fn client(all: &InFlight, who: u64) -> Client {
        let who = Who::Person(PersonId(uuid::Uuid::from_u128(who.into())));
        Client { all: all.clone(), who, served: Served::DEFAULT, processor: Processor::new(false) }
    }

    async fn answer(client: Client, path: &str, body: Body) -> Response {
        let taken_in = async |request: Request| match received(request).await {
            Ok(whole) => whole.bytes.len().to_string().into_response(),
            Err(error) => error.or(ApiError::TooLarge).into_response(),
        };
        let router = Router::new()
            .route("/large", get(async || vec![7; HALF]))
            .route("/", post(taken_in))
            .layer(DefaultBodyLimit::max(OF_CLIENT_BYTES * 2))
            .layer(from_fn(in_flight));
        let method = if path == "/" { "POST" } else { "GET" };
        let request = Request::builder().method(method).uri(path).extension(client).body(body).unwrap();
        router.oneshot(request).await.unwrap()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn answers_that_nobody_has_taken_are_counted_for_their_client_alone() {
        let all = InFlight::default();
        let mut taken = Vec::new();
        for _ in 0..2 {
            let mut body = answer(client(&all, 1), "/large", Body::empty()).await.into_body();
            assert_eq!(body.size_hint().exact(), Some(HALF as u64), "its length is known as before");
            let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
            // What counts is the bytes, which the connection keeps, and not the body.
            drop(body);
            taken.push(frame);
        }
        let refused = answer(client(&all, 1), "/large", Body::empty()).await;
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "2");
        assert_eq!(answer(client(&all, 2), "/large", Body::empty()).await.status(), 200, "another client");
        taken.pop();
        assert_eq!(answer(client(&all, 1), "/large", Body::empty()).await.status(), 200, "it has taken one");
    }

    #[tokio::test]
    async fn all_clients_together_have_so_much_on_its_way() {
        let all = InFlight::default();
        let sites = OF_ALL_BYTES / OF_SITE_BYTES + 1;
        let mut statuses = Vec::new();
        let mut kept = Vec::new();
        for site in (0..sites as u128).flat_map(|site| repeat_n(site, 5)) {
            let served = Served { site: SiteId(uuid::Uuid::from_u128(site)), own_database: false };
            let client = Client { served, ..client(&all, statuses.len() as u64) };
            let response = answer(client, "/large", Body::empty()).await;
            statuses.push(response.status().as_u16());
            kept.push(response);
        }
        let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!(count(200), OF_ALL_BYTES / HALF, "{statuses:?}");
        assert!(count(429) > 0 && count(503) > 0, "a site has its share, and all have theirs: {statuses:?}");
        drop(kept);
        assert_eq!(answer(client(&all, 9), "/large", Body::empty()).await.status(), 200, "nothing is left over");
    }

    #[tokio::test]
    async fn a_body_is_taken_in_whole_and_counted_while_it_is_there() {
        let all = InFlight::default();
        assert_eq!(text(answer(client(&all, 1), "/", Body::from(vec![7; HALF])).await).await, HALF.to_string());
        // One that does not say how long it is.
        let pieces = stream::iter(repeat_n(Ok::<_, Infallible>(Bytes::from(vec![7; 10_000])), 100));
        assert_eq!(text(answer(client(&all, 1), "/", Body::from_stream(pieces)).await).await, "1000000");
        let kept = client(&all, 1).hold(HALF + 1).unwrap();
        assert_eq!(answer(client(&all, 1), "/", Body::from(vec![7; HALF])).await.status(), 429);
        drop(kept);
        assert_eq!(answer(client(&all, 1), "/", Body::from(vec![7; OF_CLIENT_BYTES * 2 + 1])).await.status(), 413);
        assert_eq!(answer(client(&all, 1), "/", Body::from(vec![7; HALF])).await.status(), 200, "nothing is left over");
    }

    /// Whether a body that is sent in these pieces counts as one that was there with its head.
    async fn is_there(pieces: &[&[u8]]) -> String {
        let at_once = async |request: Request| request.extensions().get::<WithItsHead>().is_some().to_string();
        let client = client(&InFlight::default(), 1);
        let router =
            Router::new().route("/", post(at_once)).layer(from_fn(in_flight)).layer(axum::extract::Extension(client));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let serving = tokio::spawn(async move { serve(socket, router, &Limits::default(), pending()).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        for piece in pieces {
            stream.write_all(piece).await.unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        serving.abort();
        answer.rsplit("\r\n").next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_usual_body_is_there_with_its_head_and_no_other_is_waited_for() {
        let head = |rest: &str| format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{rest}\r\n\r\n");
        let of = |length: usize| head(&format!("content-length: {length}"));
        let usual = [of(1_000).as_bytes(), &[7; 1_000]].concat();
        assert_eq!(is_there(&[&usual]).await, "true");
        let in_pieces = [head("transfer-encoding: chunked").as_bytes(), b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"].concat();
        assert_eq!(is_there(&[&in_pieces]).await, "true");
        assert_eq!(is_there(&[of(0).as_bytes()]).await, "true");
        assert_eq!(is_there(&[&usual[..usual.len() - 1]]).await, "false", "a byte is still to come");
        assert_eq!(is_there(&[of(1_000).as_bytes()]).await, "false", "all of it is");
        let large = [of(SMALL_BYTES + 1).as_bytes(), &vec![7; SMALL_BYTES + 1]].concat();
        assert_eq!(is_there(&[&large]).await, "false");
        let asks = [head("content-length: 1\r\nexpect: 100-continue").as_bytes(), b"a"].concat();
        assert_eq!(is_there(&[&asks]).await, "false", "whoever asks first is looked at first");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_go_on_is_broken_off() {
        let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"a"))]).chain(stream::pending());
        let refused = answer(client(&InFlight::default(), 1), "/", Body::from_stream(begun)).await;
        assert_eq!(refused.status(), 400);
        assert!(text(refused).await.contains("nothing of the body came for 15 s"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_too_slowly_is_broken_off_and_one_that_is_just_slow_is_not() {
        let every_second = |bytes: usize, times: usize| {
            stream::iter(0..times).then(move |_| async move {
                sleep(Duration::from_secs(1)).await;
                Ok::<_, Infallible>(Bytes::from(vec![7; bytes]))
            })
        };
        let refused = answer(client(&InFlight::default(), 1), "/", Body::from_stream(every_second(900, 100))).await;
        assert_eq!(refused.status(), 400);
        assert!(text(refused).await.contains("less than 1024 bytes a second"));
        let slow = answer(client(&InFlight::default(), 1), "/", Body::from_stream(every_second(1_100, 100))).await;
        assert_eq!(text(slow).await, "110000");
    }
}
