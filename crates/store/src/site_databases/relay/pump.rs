//! A connection once the server is ready: bytes go both ways, and what comes from the server is held against the protocol and the
//! limits. Whoever breaks them is cut off.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

use super::frames::Frames;
use super::upstream::Stream;
use super::{Shared, Trouble};

/// How much is read at once, in bytes.
const PIECE: usize = 16 << 10;
/// The longest row, or piece of a COPY, in bytes: an event has at most a megabyte, and a row of a read model a few of them.
const LONGEST_ROW: usize = 64 << 20;
/// The longest other message, in bytes: descriptions, errors, what was done.
const LONGEST_OTHER: usize = 1 << 20;
/// How much of all answers under way to one database may have come, in bytes: much of it is in memory. COPY is not counted, which is
/// used as it comes.
const ANSWERS: usize = 256 << 20;
/// How much may come that nobody has asked for, in bytes, before there is a pause, and that: notices, settings, notifications.
const UNASKED: usize = 64 << 10;
const PAUSE: Duration = Duration::from_millis(100);
/// How long an answer may take to its end. Rebuilding the largest read model takes minutes.
const LONGEST_ANSWER: Duration = Duration::from_mins(30);

/// What the server still owes.
struct Owed {
    answers: usize,
    /// When the first of them was asked for.
    since: Instant,
    /// When something went either way that belongs to an answer or asks for one.
    last: Instant,
}

impl Owed {
    /// Whether the server goes on with its answer, and may still come to its end.
    fn in_time(&self, silence: Duration) -> Result<(), Trouble> {
        if self.answers > 0 && self.last.elapsed() >= silence {
            Err(Trouble::Silent)
        } else if self.answers > 0 && self.since.elapsed() >= LONGEST_ANSWER {
            Err(Trouble::Endless)
        } else {
            Ok(())
        }
    }
}

/// The bytes of one connection's answers, which are forgotten with it.
struct Counted<'s> {
    all: &'s AtomicUsize,
    mine: usize,
}

impl Counted<'_> {
    fn add(&mut self, bytes: usize) -> Result<(), Trouble> {
        self.mine += bytes;
        let all = self.all.fetch_add(bytes, Ordering::SeqCst) + bytes;
        if all > ANSWERS { Err(Trouble::Flood) } else { Ok(()) }
    }

    fn forget(&mut self) {
        self.all.fetch_sub(std::mem::take(&mut self.mine), Ordering::SeqCst);
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Passes on what goes either way, until one of both ends.
pub async fn pump(mut client: UnixStream, server: Box<dyn Stream>, shared: &Shared) -> Result<(), Trouble> {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = tokio::io::split(server);
    let owed = Mutex::new(Owed { answers: 0, since: Instant::now(), last: Instant::now() });
    tokio::select! {
        sent = to_the_server(from_client, to_server, &owed) => sent,
        sent = to_the_client(from_server, to_client, &owed, shared) => sent,
    }
}

fn lock(owed: &Mutex<Owed>) -> MutexGuard<'_, Owed> {
    owed.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn to_the_server(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    owed: &Mutex<Owed>,
) -> Result<(), Trouble> {
    let (mut frames, mut piece, mut out) = (Frames::default(), vec![0; PIECE], Vec::with_capacity(PIECE));
    loop {
        // The library goes whenever it likes, and however.
        let read = from.read(&mut piece).await.unwrap_or_default();
        if read == 0 {
            // Whatever was sent is with the server: also the good-bye.
            return Ok(to.shutdown().await?);
        }
        out.clear();
        frames.walk(&piece[..read], &mut out, |kind, _| {
            // A query, a function call and a synchronisation are answered, each with that the server is ready.
            if matches!(kind, b'Q' | b'F' | b'S') {
                let mut owed = lock(owed);
                if owed.answers == 0 {
                    (owed.since, owed.last) = (Instant::now(), Instant::now());
                }
                owed.answers += 1;
            }
            Ok(true)
        })?;
        to.write_all(&out).await?;
        to.flush().await?;
        lock(owed).last = Instant::now();
    }
}

async fn to_the_client(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    owed: &Mutex<Owed>,
    shared: &Shared,
) -> Result<(), Trouble> {
    let silence = shared.reach.patience().silence;
    let mut counted = Counted { all: &shared.answers, mine: 0 };
    let (mut frames, mut piece, mut out) = (Frames::default(), vec![0; PIECE], Vec::with_capacity(PIECE));
    let mut unasked = 0;
    loop {
        let Ok(read) = tokio::time::timeout(silence, from.read(&mut piece)).await else {
            lock(owed).in_time(silence)?;
            continue;
        };
        let read = read?;
        if read == 0 {
            return Ok(());
        }
        lock(owed).in_time(silence)?;
        out.clear();
        frames.walk(&piece[..read], &mut out, |kind, length| {
            let size = length + 5;
            let longest = if matches!(kind, b'D' | b'd') { LONGEST_ROW } else { LONGEST_OTHER };
            if length > longest {
                return Err(Trouble::Large(length));
            }
            match kind {
                b'D' | b'1' | b'2' | b'3' | b'C' | b'E' | b'G' | b'H' | b'I' | b'T' | b'c' | b'n' | b's' | b't' => {
                    counted.add(size)?;
                    lock(owed).last = Instant::now();
                }
                b'd' => lock(owed).last = Instant::now(),
                b'Z' => {
                    counted.forget();
                    let mut owed = lock(owed);
                    if owed.answers == 0 {
                        unasked += size;
                    }
                    let now = Instant::now();
                    (owed.answers, owed.since, owed.last) = (owed.answers.saturating_sub(1), now, now);
                }
                // Nobody reads settings, and notices are the server's words for the log: they do not pass.
                b'A' | b'N' | b'S' => unasked += size,
                _ => return Err(Trouble::Protocol),
            }
            Ok(!matches!(kind, b'N' | b'S'))
        })?;
        if to.write_all(&out).await.is_err() {
            return Ok(());
        }
        if unasked > UNASKED {
            unasked = 0;
            tokio::time::sleep(PAUSE).await;
        }
    }
}
