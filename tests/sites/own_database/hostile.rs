//! Servers that mean harm, behind the URL of one school: another school, and the process's own paths, are answered meanwhile.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::fake::{CLEARTEXT, Fake, Guest, START_UP, message};
use super::{A, A_MOMENT, behind, connections, impatient, is_problem, keys, until};
use crate::analysts::subscriptions::Subscription;
use crate::harness::{Database, Service, answer};

/// More than is ever taken from a server that sends without end, in bytes: what is kept of answers, and what waits on the way.
const HARMFUL: usize = 300 << 20;
/// More than is taken of a message that is too large: what waits on the way, in the system's own buffers.
const LITTLE: usize = 32 << 20;

/// Another school and the process are answered.
async fn are_answered(service: &Service, other: &Service) {
    assert_eq!(answer(service.request(reqwest::Method::GET, "", "/healthz")).await.status, 200);
    assert_eq!(other.ask(&other.owner, "/v1/people").await.status, 200);
}

/// Gives a school a server, and asks for another school while it is at its worst, which it tells by `asked`. Nothing may come of what
/// would be told by `harmed`.
async fn harms_nobody_else(with: impl Fn(usize, Guest) -> std::io::Result<()> + Send + Sync + 'static) {
    let service = impatient().await;
    let north = service.wanting("north").await;
    let south = service.site("south").await;
    let fake = Fake::start(with);
    let url = fake.url();
    let worst = async {
        let fake = fake.tells("asked").await;
        are_answered(&service, &south).await;
        fake
    };
    let (given, fake) = tokio::join!(service.give(&north, &url), worst);
    is_problem(&given, 409, "database_unreachable");
    assert!(!given.text.contains("hostile"), "{}", given.text);
    are_answered(&service, &south).await;
    fake.never_told("harmed");
}

#[tokio::test]
async fn a_server_that_asks_for_four_billion_rounds_has_none_of_them() {
    harms_nobody_else(|_, mut guest| guest.asks_for_rounds(u32::MAX)).await;
}

#[tokio::test]
async fn a_server_that_asks_for_a_password_in_the_clear_gets_none() {
    for asked in [CLEARTEXT.to_vec(), [&[0, 0, 0, 5], &b"salt"[..]].concat()] {
        harms_nobody_else(move |_, mut guest| {
            guest.begins()?;
            guest.sends(b'R', &asked)?;
            guest.tell("asked");
            guest.hears()?;
            guest.tell("harmed");
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_server_may_stop_at_any_message() {
    for sent in 0..=START_UP.len() {
        harms_nobody_else(move |_, mut guest| {
            guest.begins()?;
            for (kind, body) in &START_UP[..sent] {
                guest.sends(*kind, body)?;
            }
            if sent == START_UP.len() {
                guest.hears()?;
            }
            guest.tell("asked");
            guest.is_left()
        })
        .await;
    }
}

#[tokio::test]
async fn a_server_that_sends_without_end_is_cut_off() {
    let row = [&[0, 1, 0, 0, 4, 0][..], &[0; 1024]].concat();
    for (kind, body) in [
        (b'N', &b"SERROR\0C00000\0Mhostile\0\0"[..]),
        (b'S', b"hostile\0yes\0"),
        (b'A', b"\0\0\0\x01hostile\x001\0"),
        (b'D', &row),
        (b'Z', b"I"),
    ] {
        let flood = message(kind, body).repeat(100);
        harms_nobody_else(move |_, mut guest| {
            guest.lets_in()?;
            guest.hears()?;
            guest.floods(&flood, HARMFUL)
        })
        .await;
    }
}

#[tokio::test]
async fn a_server_that_sends_without_end_before_it_lets_in_is_cut_off() {
    for (kind, body) in [(b'N', &b"SERROR\0C00000\0Mhostile\0\0"[..]), (b'S', b"hostile\0yes\0"), (b'R', &CLEARTEXT)] {
        harms_nobody_else(move |_, mut guest| {
            guest.begins()?;
            guest.floods(&message(kind, body).repeat(100), LITTLE)
        })
        .await;
    }
}

#[tokio::test]
async fn a_message_of_two_gibibytes_is_not_waited_for() {
    for let_in in [false, true] {
        for kind in [b'D', b'E', b'R', b'S', b'd'] {
            harms_nobody_else(move |_, mut guest| {
                if let_in {
                    guest.lets_in()?;
                    guest.hears()?;
                } else {
                    guest.begins()?;
                }
                guest.stream.write_all(&[kind, 0x7f, 0xff, 0xff, 0xff])?;
                guest.floods(&[0; 4096], LITTLE)
            })
            .await;
        }
    }
}

/// A server that passes everything on to a real one, until it is told to be something else.
struct TwoFaced {
    fake: Fake,
    hostile: Arc<AtomicBool>,
    silent: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl TwoFaced {
    fn new(port: u16) -> Self {
        let (hostile, silent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let open = Arc::new(Mutex::new(Vec::new()));
        let (turned, quiet, connections) = (Arc::clone(&hostile), Arc::clone(&silent), Arc::clone(&open));
        let fake = Fake::start(move |_, mut guest| {
            if turned.load(Ordering::SeqCst) {
                return guest.asks_for_rounds(60_000_000);
            }
            let real = TcpStream::connect(("127.0.0.1", port))?;
            connections.lock().expect("nobody panics").push(guest.stream.try_clone()?);
            let (up, down) = (guest.stream.try_clone()?, real.try_clone()?);
            let hushed = Arc::clone(&quiet);
            std::thread::spawn(move || pass(up, down, &hushed));
            pass(real, guest.stream, &quiet)
        });
        Self { fake, hostile, silent, open }
    }
}

/// Passes bytes on, until one of both ends, or for ever nothing more.
fn pass(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool) -> std::io::Result<()> {
    let mut piece = [0; 4096];
    loop {
        let read = from.read(&mut piece)?;
        while silent.load(Ordering::SeqCst) {
            std::thread::park();
        }
        if read == 0 {
            return to.shutdown(Shutdown::Both);
        }
        to.write_all(&piece[..read])?;
    }
}

#[tokio::test]
async fn a_server_that_turns_hostile_later_takes_its_own_school_away_and_no_other() {
    let service = super::installation().await;
    let south = service.site("south").await;
    let own = Database::empty().await;
    let server = TwoFaced::new(own.pool.connect_options().get_port());
    let id = service.wanting("north").await;
    let given = service.give(&id, &behind(server.fake.port, &own.url)).await;
    assert_eq!(given.status, 200, "{}", given.text);
    let north = service.in_own("north", &id, &own).await;
    assert_eq!(north.ask(&north.owner, "/v1/people").await.status, 200);

    server.hostile.store(true, Ordering::SeqCst);
    for connection in server.open.lock().expect("nobody panics").drain(..) {
        // It may be over.
        let _ = connection.shutdown(Shutdown::Both);
    }
    let worst = async {
        let fake = server.fake.tells("asked").await;
        are_answered(&service, &south).await;
        fake
    };
    let (away, _fake) = tokio::join!(north.ask(&north.owner, "/v1/people"), worst);
    assert_eq!(away.status, 503, "{}", away.text);
    let refused = north.send(&north.owner, "FoundHub", json!({"name": "Northland"})).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    are_answered(&service, &south).await;

    server.hostile.store(false, Ordering::SeqCst);
    until("it is back by itself", async || north.ask(&north.owner, "/v1/people").await.status == 200).await;
    north.create(&north.owner, "FoundHub", json!({"name": "Northland"})).await;
}

#[tokio::test]
async fn a_server_that_falls_silent_keeps_no_other_school_and_no_end_waiting() {
    let service = super::on(Database::create().await, keys(A), Duration::from_millis(200)).await;
    let (own, other) = (Database::empty().await, Database::empty().await);
    let server = TwoFaced::new(own.pool.connect_options().get_port());
    let id = service.wanting("north").await;
    let given = service.give(&id, &behind(server.fake.port, &own.url)).await;
    assert_eq!(given.status, 200, "{}", given.text);
    let north = service.in_own("north", &id, &own).await;
    // It is open for as long as somebody follows its log, and is asked while nothing comes back.
    let _followed = Subscription::open(&north, &north.owner, "?after=0", None).await;
    server.silent.store(true, Ordering::SeqCst);
    let asks = tokio::spawn(north.request(reqwest::Method::GET, &north.owner, "/v1/people").send());

    let south = service.own_site("south", &other).await;
    are_answered(&service, &south).await;
    let watch = service.database.pool.clone();
    until("the other is looked after, and closed", async || connections(&watch, &other).await == 0).await;
    are_answered(&service, &south).await;
    let ends = service.installation.close();
    tokio::time::timeout(A_MOMENT, ends).await.expect("it ends");
    asks.abort();
}
