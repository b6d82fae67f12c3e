//! A PostgreSQL that is none, over real loopback: what it sends is what its owner says. It runs on threads of its own,
//! so that it goes on when the service that it is hostile to does not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::Error;

/// `AuthenticationOk`.
pub const LET_IN: [u8; 4] = [0, 0, 0, 0];
/// `AuthenticationCleartextPassword`.
pub const CLEARTEXT: [u8; 4] = [0, 0, 0, 3];

/// What a server sends that lets somebody in.
pub const START_UP: [(u8, &[u8]); 4] =
    [(b'R', &LET_IN), (b'S', b"server_version\x0017.2\0"), (b'K', &[0; 8]), (b'Z', b"I")];

/// The length and the code of a request for TLS, without the length itself.
const TLS_REQUEST: [u8; 4] = [4, 210, 22, 47];

/// The most bytes of a message that a guest is believed to send.
const LARGEST_BYTES: usize = 64 << 20;

/// Where it listens, and what its connections tell.
#[derive(Debug)]
pub struct Fake {
    /// Where it listens, on loopback.
    pub address: SocketAddr,
    /// What was told by [`Guest::tell`], in its order.
    pub told: Receiver<String>,
}

/// One connection to it, which ends with this.
#[derive(Debug)]
pub struct Guest {
    /// The connection.
    pub stream: TcpStream,
    tell: Sender<String>,
}

impl Fake {
    /// Listens there, and does this with every connection, on a thread for each; the first is number 0.
    pub fn start(
        address: SocketAddr,
        with: impl Fn(usize, Guest) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let listening = || Error::io(format!("listening on {address}"));
        let listener = TcpListener::bind(address).map_err(listening())?;
        let address = listener.local_addr().map_err(listening())?;
        let (tell, told) = channel();
        let with = Arc::new(with);
        thread::spawn(move || {
            for (nth, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (with, tell) = (Arc::clone(&with), tell.clone());
                // The service may end the connection whenever it likes.
                thread::spawn(move || with(nth, Guest { stream, tell }));
            }
        });
        Ok(Self { address, told })
    }

    /// A URL that leads to whatever listens on an address.
    pub fn url(address: SocketAddr) -> String {
        format!("postgres://north:given@{address}/north")
    }
}

impl Guest {
    /// Tells whoever has started the server something.
    pub fn tell(&self, what: &str) {
        // Whoever has no use for it any more hears nothing.
        let _ = self.tell.send(what.to_owned());
    }

    /// Reads the start-up message, and refuses TLS where it is asked for.
    pub fn begins(&mut self) -> std::io::Result<Vec<u8>> {
        let asked = self.body()?;
        if asked == TLS_REQUEST {
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
        let length = (u32::from_be_bytes(length) as usize).checked_sub(length.len());
        let length = length.filter(|length| *length <= LARGEST_BYTES);
        let mut body = vec![0; length.ok_or_else(|| std::io::Error::other("no message has such a length"))?];
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
        let nonce = response.split_once(",r=").ok_or_else(|| std::io::Error::other("no nonce"))?.1;
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

/// A message as it is sent: its kind, the length of the rest, its body of less than 2 GiB.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes();
    [&[kind][..], &length, body].concat()
}
