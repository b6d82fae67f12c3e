//! Connections to clients: so many at a time, cut when a client takes too little of its answer, or does not come to the end
//! of its headers, for too long: no slow client holds memory or a place for ever. Where there is no place left, whoever has
//! done nothing for longest loses theirs, and then the address that has most.

mod places;

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};
use tower::ServiceExt as _;

use self::places::Places;
use crate::at_once::AtOnce;
use crate::client_address::{ClientAddress, Local, Peer};
use crate::limits::{Limits, is_watched};
use crate::meter::{Meter, Meters};
use crate::until_its_end::until_its_end;

/// Over how long it is counted what a client takes of an answer that waits for it, and the least that it must have taken by
/// then, in bytes: 1 KiB a second, less than any network that is in use.
const WINDOW: Duration = Duration::from_secs(30);
const LEAST_BYTES: usize = 30 << 10;

/// How long a client may take for the headers of a request, and between two requests.
const HEADERS: Duration = Duration::from_secs(10);

/// The same of a proxy, which keeps connections for whoever comes next: longer than those in use keep them, so that it is never
/// the service that ends one at the moment of its use.
const HEADERS_OF_PROXY: Duration = Duration::from_secs(90);

/// The most headers of a request, and the most bytes that are read before they end.
const MOST_HEADERS: usize = 100;
const BUFFER_BYTES: usize = 64 << 10;

/// How many connections, refusals and uncounted answers an address has a second at least, however few requests it may have.
const PACE: NonZeroU32 = NonZeroU32::new(100).expect("not zero");

/// How long to wait where the machine gives no more connections.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Answers requests until `stop`; then takes no new connection, and ends when the requests under way have been answered.
pub async fn serve(socket: TcpListener, router: Router, limits: &Limits, stop: impl Future<Output = ()>) {
    let places = Places::new(limits.connections);
    let (of_address, begun) = (AtOnce::default(), Meters::<IpAddr, Meter>::default());
    let under_way = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, address) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&socket) => accepted,
        };
        let peer = address.ip().to_canonical();
        let (network, is_proxy) = (ClientAddress(peer).network(), limits.proxies.contain(peer));
        let at_most = if is_proxy { usize::MAX } else { limits.connections_per_address };
        let Some(counted) = of_address.count(network, at_most) else {
            tracing::debug!("a connection was refused: its address has too many");
            continue;
        };
        let local = match stream.local_addr() {
            Ok(local) => local,
            Err(error) => {
                tracing::debug!(%error, "a connection has gone");
                continue;
            }
        };
        // Whoever waits for a place does so with all who come later in the system's queue, which has an end of its own.
        let place = tokio::select! {
            () = &mut stop => break,
            place = places.take(network, is_proxy) => place.map(Arc::new),
        };
        let Some(place) = place else {
            tracing::debug!("a connection was refused: there is no place left, and its address has some");
            continue;
        };
        let a_second = limits.per_address.filter(|_| !is_proxy).map(|a_second| a_second.max(PACE));
        let as_fast_as = a_second.map(|a_second| (begun.of(network), a_second));
        let (router, at, paced) = (router.clone(), Arc::clone(&place), as_fast_as.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(Local(local));
            let watched = is_watched(request.uri());
            let (answer, busy, paced) = (router.clone().oneshot(request), at.busy(), paced.clone());
            async move {
                // Whoever sends many at once is not answered many at once: others have their turn in between.
                tokio::task::yield_now().await;
                let response = answer.await?;
                if watched || response.status() == StatusCode::TOO_MANY_REQUESTS {
                    pace(paced.as_ref()).await;
                }
                Ok::<_, Infallible>(until_its_end(response, busy))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(if is_proxy { HEADERS_OF_PROXY } else { HEADERS })
            .max_headers(MOST_HEADERS)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(Connection::new(stream)), service);
        let connection = under_way.watch(connection);
        tokio::spawn(async move {
            let served = async {
                // Nobody's requests come faster by more connections, nor do these keep others' from being begun.
                pace(as_fast_as.as_ref()).await;
                connection.await
            };
            tokio::select! {
                ended = served => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection was broken off");
                },
                () = place.lost() => tracing::debug!("a connection was broken off: its place was needed"),
            }
            drop((counted, place));
        });
    }
    drop(socket);
    under_way.shutdown().await;
}

/// Lets no more come of an address than its requests may, a second: connections, refusals, and what nobody counts.
async fn pace(as_fast_as: Option<&(Arc<Meter>, NonZeroU32)>) {
    if let Some((begun, a_second)) = as_fast_as {
        begun.take(Duration::from_secs(1) / a_second.get());
        begun.rest().await;
    }
}

/// The next connection.
async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok((stream, address)) => {
                // A whole answer is one write: there is nothing to wait for.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection has gone");
                }
                return (stream, address);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken");
                sleep(EXHAUSTED).await;
            }
        }
    }
}

/// Whether one client's connection failed, and not the taking of connections.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A connection.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    /// Since an answer has had to wait for the client.
    waited: Option<Waited>,
}

/// What a client has taken of an answer that had to wait for it.
#[derive(Debug)]
struct Waited {
    bytes: usize,
    window: Pin<Box<Sleep>>,
}

impl<S> Connection<S> {
    fn new(stream: S) -> Self {
        Self { stream, waited: None }
    }

    /// What a write came to, unless the client has taken too little for too long.
    fn in_time(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(taken) = written {
            if let (Some(waited), Ok(bytes)) = (&mut self.waited, &taken) {
                waited.bytes += bytes;
            }
            return Poll::Ready(taken);
        }
        let waited = self.waited.get_or_insert_with(|| Waited { bytes: 0, window: Box::pin(sleep(WINDOW)) });
        while waited.window.as_mut().poll(context).is_ready() {
            if waited.bytes < LEAST_BYTES {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            waited.bytes = 0;
            waited.window.as_mut().reset(Instant::now() + WINDOW);
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Whoever flushes has handed over all that there was: nothing waits for the client any more.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waited = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_come_to_the_end_of_its_headers_is_cut() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let limits = Limits::default();
        let serving = tokio::spawn(async move { serve(socket, Router::new(), &limits, std::future::pending()).await });
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
        // The clock goes on by itself while nothing else does: this ends only because somebody ended it.
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        serving.abort();
    }

    #[tokio::test]
    async fn beyond_its_number_of_connections_an_address_gets_none_until_one_ends() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let limits = Limits { connections_per_address: 1, ..Limits::default() };
        let serving = tokio::spawn(async move { serve(socket, Router::new(), &limits, std::future::pending()).await });
        let ask = async |client: &mut TcpStream| {
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.ok()?;
            client.read_u8().await.ok()
        };
        let mut first = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut first).await.is_some());
        let mut second = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut second).await.is_none());
        drop(first);
        // The end of the first is heard of in a moment; only then is there a place.
        let place = async { while ask(&mut TcpStream::connect(address).await.unwrap()).await.is_none() {} };
        tokio::time::timeout(Duration::from_mins(1), place).await.expect("there is a place");
        serving.abort();
    }

    /// Sends so many requests at once on one connection, and hears all of them answered with a status.
    async fn sends_at_once(
        number: usize,
        path: &str,
        status: StatusCode,
        at_each: impl Fn() + Clone + Send + Sync + 'static,
    ) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let answer = async move || {
            at_each();
            status
        };
        let router = Router::new().fallback(answer);
        let serving =
            tokio::spawn(async move { serve(socket, router, &Limits::default(), std::future::pending()).await });
        let mut client = TcpStream::connect(address).await.unwrap();
        let requests = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(number - 1);
        let last = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let (mut receives, mut sends) = client.split();
        let requests = requests + &last;
        let mut answers = String::new();
        let (sent, heard) = tokio::join!(sends.write_all(requests.as_bytes()), receives.read_to_string(&mut answers));
        assert!(sent.is_ok() && heard.is_ok());
        assert_eq!(answers.matches(&format!("HTTP/1.1 {}", status.as_u16())).count(), number);
        serving.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_and_what_nobody_counts_come_no_faster_than_requests_may() {
        let free = Instant::now();
        sends_at_once(600, "/", StatusCode::OK, || ()).await;
        assert_eq!(free.elapsed(), Duration::ZERO);
        for (path, status) in [("/", StatusCode::TOO_MANY_REQUESTS), ("/healthz", StatusCode::OK)] {
            let paced = Instant::now();
            sends_at_once(600, path, status, || ()).await;
            assert!(paced.elapsed() > Duration::from_secs(1), "{path} {:?}", paced.elapsed());
        }
    }

    #[tokio::test]
    async fn others_have_their_turn_between_the_requests_that_one_client_sends_at_once() {
        let turns = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let others = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move {
                loop {
                    turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            }
        });
        let seen = Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
        let at_each = {
            let seen = Arc::clone(&seen);
            move || {
                seen.lock().unwrap().insert(turns.load(std::sync::atomic::Ordering::Relaxed));
            }
        };
        sends_at_once(200, "/", StatusCode::OK, at_each).await;
        others.abort();
        assert!(seen.lock().unwrap().len() >= 100, "no more than two are answered in one turn");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_too_little_is_cut_and_one_that_is_just_slow_is_not() {
        let (stream, client) = duplex(64);
        let mut connection = Connection::new(stream);
        let (mut client, slow) = (client, LEAST_BYTES / 8);
        let reading = tokio::spawn(async move {
            let mut bytes = vec![0; slow];
            for _ in 0..25 {
                sleep(WINDOW / 10).await;
                client.read_exact(&mut bytes).await.unwrap();
            }
            client
        });
        connection.write_all(&vec![1; slow * 25]).await.unwrap();
        let mut client = reading.await.unwrap();
        let reading = tokio::spawn(async move {
            // A little now and then, as somebody does who wants the answer to be kept for ever.
            while client.read_u8().await.is_ok() {
                sleep(WINDOW / 10).await;
            }
        });
        let cut = connection.write_all(&[1; 1_000]).await.unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::TimedOut);
        drop(connection);
        reading.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_slow_once_does_not_count_for_the_next_answer() {
        let (stream, mut client) = duplex(8);
        let mut connection = Connection::new(stream);
        for _ in 0..3 {
            let (written, _) = tokio::join!(
                async {
                    connection.write_all(&[1; 16]).await?;
                    connection.flush().await
                },
                async {
                    sleep(WINDOW * 9 / 10).await;
                    client.read_exact(&mut [0; 16]).await.unwrap()
                }
            );
            written.unwrap();
            sleep(WINDOW * 10).await;
        }
    }

    #[tokio::test]
    async fn whoever_does_nothing_makes_room_for_whoever_comes() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let limits = Limits { connections: 4, ..Limits::default() };
        let serving = tokio::spawn(async move { serve(socket, Router::new(), &limits, std::future::pending()).await });
        let mut half_open = Vec::new();
        for _ in 0..20 {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
            half_open.push(client);
        }
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        client.read_u8().await.expect("an answer");
        serving.abort();
    }
}
