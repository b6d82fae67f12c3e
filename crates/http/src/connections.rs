//! Connections to clients: so many at a time, cut when a client takes nothing of its answer, or does not come to the end of
//! its headers, for too long: no slow client holds memory for ever. Whoever reads, however slowly, is never cut.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tower::ServiceExt as _;

use crate::at_once::AtOnce;
use crate::client::{ClientAddress, Local, Peer};
use crate::limits::Limits;

/// How long a client may take nothing.
const STALLED: Duration = Duration::from_secs(30);

/// How long a client may take for the headers of a request, and between two requests.
const HEADERS: Duration = Duration::from_secs(30);

/// The most headers of a request, and the most bytes that are read before they end.
const MOST_HEADERS: usize = 100;
const BUFFER_BYTES: usize = 64 << 10;

/// How long to wait where the machine gives no more connections.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Answers requests until `stop`; then takes no new connection, and ends when the requests under way have been answered.
pub async fn serve(socket: TcpListener, router: Router, limits: &Limits, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let open = AtOnce::default();
    let under_way = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        // Who comes when there is no place waits in the system's queue, which has an end of its own.
        let (place, stream, address) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&socket, &places) => accepted,
        };
        let peer = address.ip().to_canonical();
        let at_most = if limits.proxies.contain(peer) { usize::MAX } else { limits.connections_per_address };
        let Some(counted) = open.count(ClientAddress(peer).network(), at_most) else {
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
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(Local(local));
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS)
            .max_headers(MOST_HEADERS)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(Connection { stream, stalled: None }), service);
        let connection = under_way.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection was broken off");
            }
            drop((counted, place));
        });
    }
    drop(socket);
    under_way.shutdown().await;
}

/// The next connection, once there is a place for it.
async fn accept(socket: &TcpListener, places: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
    let place = Arc::clone(places).acquire_owned().await.expect("nobody closes it");
    loop {
        match socket.accept().await {
            Ok((stream, address)) => {
                // A whole answer is one write: there is nothing to wait for.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection has gone");
                }
                return (place, stream, address);
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
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Connection<S> {
    /// What a write came to, unless it has waited for too long.
    fn in_time(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
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

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
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
        while ask(&mut TcpStream::connect(address).await.unwrap()).await.is_none() {
            tokio::task::yield_now().await;
        }
        serving.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_cut_and_one_that_reads_slowly_is_not() {
        let (stream, mut client) = duplex(8);
        let mut connection = Connection { stream, stalled: None };
        let reading = tokio::spawn(async move {
            let mut byte = [0];
            for _ in 0..8 {
                sleep(STALLED * 9 / 10).await;
                client.read_exact(&mut byte).await.unwrap();
            }
            client
        });
        connection.write_all(&[1; 16]).await.unwrap();
        let _client = reading.await.unwrap();
        let cut = connection.write_all(&[1]).await.unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::TimedOut);
    }
}
