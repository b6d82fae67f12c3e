//! A small SMTP server (RFC 5321) on loopback: it keeps what it takes, and refuses or falls silent where it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// What it does at the end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Takes it.
    Takes,
    /// Says that it has no time.
    Later,
    /// Takes it, and cuts the connection without a word.
    TakesAndCuts,
    /// Takes it, and says nothing.
    TakesAndHangs,
}

/// A message that was taken.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// The sender of its envelope.
    pub from: String,
    /// The recipients of its envelope.
    pub to: Vec<String>,
    /// What came after DATA.
    pub source: String,
}

#[derive(Debug)]
struct Kept {
    ending: Ending,
    invalid: Vec<String>,
    taken: Vec<Taken>,
}

/// The server.
#[derive(Clone, Debug)]
pub struct FakeSmtp {
    /// Where it listens.
    pub url: String,
    kept: Arc<Mutex<Kept>>,
    taken: Arc<watch::Sender<usize>>,
}

impl FakeSmtp {
    /// Starts it, on a port of its own.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let kept = Kept { ending: Ending::Takes, invalid: Vec::new(), taken: Vec::new() };
        let fake = Self { url, kept: Arc::new(Mutex::new(kept)), taken: Arc::new(watch::Sender::new(0)) };
        let server = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                // A client that goes away ends its conversation, and nothing else.
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        fake
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it does at the end of messages from now on.
    pub fn ends(&self, ending: Ending) {
        self.kept().ending = ending;
    }

    /// It knows no such recipient from now on.
    pub fn refuses(&self, address: &str) {
        self.kept().invalid.push(address.to_owned());
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Taken> {
        self.kept().taken.clone()
    }

    /// Waits until it has taken so many.
    pub async fn has_taken(&self, messages: usize) {
        let mut taken = self.taken.subscribe();
        let enough = taken.wait_for(|taken| *taken >= messages);
        tokio::time::timeout(std::time::Duration::from_mins(2), enough).await.expect("messages").expect("it is there");
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 loopback\r\n").await?;
        let mut message = Taken::default();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let (verb, rest) = line.trim_end().split_at(line.trim_end().len().min(4));
            let address = rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => "250-loopback\r\n250 8BITMIME\r\n",
                "MAIL" => {
                    message = Taken { from: address, ..Taken::default() };
                    "250 OK\r\n"
                }
                "RCPT" if self.kept().invalid.contains(&address) => "550 5.1.1 no such mailbox\r\n",
                "RCPT" => {
                    message.to.push(address);
                    "250 OK\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    message.source = source(&mut stream).await?;
                    let ending = self.kept().ending;
                    if ending != Ending::Later {
                        self.kept().taken.push(std::mem::take(&mut message));
                        self.taken.send_modify(|taken| *taken += 1);
                    }
                    match ending {
                        Ending::Takes => "250 OK\r\n",
                        Ending::Later => "451 4.3.0 later\r\n",
                        Ending::TakesAndCuts => return Ok(()),
                        Ending::TakesAndHangs => {
                            Notify::new().notified().await;
                            return Ok(());
                        }
                    }
                }
                "RSET" | "NOOP" => "250 OK\r\n",
                "QUIT" => "221 bye\r\n",
                _ => "502 not here\r\n",
            };
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

/// A message up to the dot on a line of its own.
async fn source(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut source = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(source);
        }
        source.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
