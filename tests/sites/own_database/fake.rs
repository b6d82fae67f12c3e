//! A PostgreSQL that is none, over real loopback: what it sends is what a test says. It runs on threads of its own, so that it goes on
//! when the service that it is hostile to does not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::A_MOMENT;

/// `AuthenticationOk`.
pub const LET_IN: [u8; 4] = [0, 0, 0, 0];
/// `AuthenticationCleartextPassword`.
pub const CLEARTEXT: [u8; 4] = [0, 0, 0, 3];

/// Where it listens, and what it tells of what it does.
pub struct Fake {
    pub port: u16,
    told: Receiver<String>,
}

/// One connection to it, which ends with this.
pub struct Guest {
    pub stream: TcpStream,
    tell: Sender<String>,
}

impl Fake {
    /// Does this with every connection, on a thread for each; the first is number 0.
    pub fn start(with: impl Fn(usize, Guest) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (tell, told) = channel();
        let with = Arc::new(with);
        thread::spawn(move || {
            for (nth, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (with, tell) = (Arc::clone(&with), tell.clone());
                // The service may end the connection whenever it likes.
                thread::spawn(move || with(nth, Guest { stream, tell }));
            }
        });
        Self { port, told }
    }

    /// A URL that leads to it.
    pub fn url(&self) -> String {
        format!("postgres://north:given@127.0.0.1:{}/north", self.port)
    }

    /// Waits until it has told something; what was told before is passed over.
    pub async fn tells(self, what: &'static str) -> Self {
        let heard = move || {
            while self.told.recv_timeout(A_MOMENT).unwrap_or_else(|_| panic!("nobody tells: {what}")) != what {}
            self
        };
        tokio::task::spawn_blocking(heard).await.expect("it is told")
    }
}

impl Fake {
    /// Everything that it has told so far.
    pub fn all_told(&self) -> Vec<String> {
        self.told.try_iter().collect()
    }

    /// Nothing that it has told is this.
    pub fn never_told(&self, what: &str) {
        assert!(self.all_told().iter().all(|told| told != what), "it was told: {what}");
    }
}

impl Guest {
    /// Tells the test something.
    pub fn tell(&self, what: &str) {
        // A test that is over hears nothing.
        let _ = self.tell.send(what.to_owned());
    }

    /// Reads the start-up message, and refuses TLS where it is asked for.
    pub fn begins(&mut self) -> std::io::Result<Vec<u8>> {
        let asked = self.body()?;
        if asked == [4, 210, 22, 47] {
            self.stream.write_all(b"N")?;
            return self.body();
        }
        Ok(asked)
    }

    /// Sends a message.
    pub fn sends(&mut self, kind: u8, body: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(&message(kind, body))
    }

    /// Reads a message.
    pub fn hears(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let mut kind = [0];
        self.stream.read_exact(&mut kind)?;
        Ok((kind[0], self.body()?))
    }

    fn body(&mut self) -> std::io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// Lets the guest in, without a password, up to the message that says it is ready.
    pub fn lets_in(&mut self) -> std::io::Result<()> {
        self.begins()?;
        for (kind, body) in START_UP {
            self.sends(kind, body)?;
        }
        Ok(())
    }

    /// Asks for so many rounds of SCRAM.
    pub fn asks_for_rounds(&mut self, rounds: u32) -> std::io::Result<()> {
        self.begins()?;
        self.sends(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")?;
        let (_, response) = self.hears()?;
        let response = String::from_utf8_lossy(&response).into_owned();
        let nonce = response.split_once(",r=").expect("a nonce").1;
        let asked = format!("r={nonce}theirs,s=c2FsdHNhbHRzYWx0c2FsdA==,i={rounds}");
        self.sends(b'R', &[&[0, 0, 0, 11], asked.as_bytes()].concat())?;
        self.tell("asked");
        self.is_left()
    }

    /// Sends this again and again, until the guest goes, and tells when it has taken more than so many bytes of it.
    pub fn floods(&mut self, with: &[u8], harmful: usize) -> std::io::Result<()> {
        self.tell("asked");
        let mut taken = 0;
        loop {
            self.stream.write_all(with)?;
            taken += with.len();
            if taken > harmful {
                self.tell("harmed");
            }
        }
    }

    /// Waits until the guest goes.
    pub fn is_left(&mut self) -> std::io::Result<()> {
        while self.stream.read(&mut [0; 1024])? > 0 {}
        Ok(())
    }
}

/// A message as it is sent.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message").to_be_bytes();
    [&[kind][..], &length, body].concat()
}

/// What a server sends that lets somebody in.
pub const START_UP: [(u8, &[u8]); 4] =
    [(b'R', &LET_IN), (b'S', b"server_version\x0017.2\0"), (b'K', &[0; 8]), (b'Z', b"I")];
