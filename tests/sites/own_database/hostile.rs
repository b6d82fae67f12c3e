//! Servers that mean harm, behind the URL of one school: another school, and the process's own paths, are answered meanwhile.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::super::Student;
use super::fake::{CLEARTEXT, Fake, Guest, START_UP, message};
use super::{A, A_MOMENT, behind, connections, impatient, is_problem, keys, until};
use crate::analysts::subscriptions::Subscription;
use crate::harness::{Database, Hosting, Service, answer};

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
    /// Its rows have no columns.
    hollow: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl TwoFaced {
    fn new(port: u16) -> Self {
        let (hostile, silent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (hollow, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (turned, quiet, connections) = (Arc::clone(&hostile), Arc::clone(&silent), Arc::clone(&open));
        let empties = Arc::clone(&hollow);
        let fake = Fake::start(move |_, mut guest| {
            if turned.load(Ordering::SeqCst) {
                return guest.asks_for_rounds(60_000_000);
            }
            let real = TcpStream::connect(("127.0.0.1", port))?;
            connections.lock().expect("nobody panics").push(guest.stream.try_clone()?);
            let (up, down) = (guest.stream.try_clone()?, real.try_clone()?);
            let hushed = Arc::clone(&quiet);
            std::thread::spawn(move || pass(up, down, &hushed));
            pass_messages(real, guest, &quiet, &empties)
        });
        Self { fake, hostile, silent, hollow, open }
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

/// Passes a server's messages on, until one of both ends, or for ever nothing more; and rows without their columns, once they are
/// to be hollow.
fn pass_messages(mut from: TcpStream, mut to: Guest, silent: &AtomicBool, hollow: &AtomicBool) -> std::io::Result<()> {
    loop {
        let mut header = [0; 5];
        if from.read_exact(&mut header).is_err() {
            return to.stream.shutdown(Shutdown::Both);
        }
        let [kind, length @ ..] = header;
        let mut body = vec![0; u32::from_be_bytes(length) as usize - length.len()];
        from.read_exact(&mut body)?;
        while silent.load(Ordering::SeqCst) {
            std::thread::park();
        }
        if kind == b'D' && hollow.load(Ordering::SeqCst) {
            to.sends(kind, &[0, 0])?;
            to.tell("hollow");
        } else {
            to.sends(kind, &body)?;
        }
    }
}

/// Waits until a server has sent so many hollow rows.
async fn hollow_rows(mut fake: Fake, count: usize) -> Fake {
    for _ in 0..count {
        fake = fake.tells("hollow").await;
    }
    fake
}

#[tokio::test]
async fn a_server_whose_rows_are_hollow_ends_nothing_that_schools_share_and_nothing_of_its_own_for_ever() {
    let service = super::on(Database::create().await, keys(A), Duration::from_millis(200)).await;
    // Knows no keys, and so meets no school's server.
    let hosting = Hosting { super_admins: vec!["owner@example.org"], ..Hosting::default() };
    let elsewhere = Service::hosting(service.database.clone(), service.clock.clone(), hosting).await;
    let (south, own) = (elsewhere.site("south").await, Database::empty().await);
    let TwoFaced { fake, hollow, .. } = TwoFaced::new(own.pool.connect_options().get_port());
    let id = service.wanting("north").await;
    let given = service.give(&id, &behind(fake.port, &own.url)).await;
    assert_eq!(given.status, 200, "{}", given.text);
    let north = service.in_own("north", &id, &own).await;
    north.create(&north.owner, "FoundHub", json!({"name": "Northland"})).await;

    hollow.store(true, Ordering::SeqCst);
    // Whoever looks a token up, appends and folds meets them, and whoever looks after the database again and again.
    let asked = north.ask(&north.owner, "/v1/people").await;
    assert!(asked.status >= 500, "{}", asked.text);
    let refused = north.send(&north.owner, "FoundHub", json!({"name": "Southland"})).await;
    assert!(refused.status >= 500, "{}", refused.text);
    let fake = hollow_rows(fake, 10).await;
    // What another process does is heard of by the task that looks after the databases, too.
    let at = |host: &str| json!({"site_id": south.site, "hosts": [{"host": host}]});
    let is_heard = async |host: &str| service.at_host(host).ask(&south.owner, "/v1/people").await.status == 200;
    until("another school is heard of", async || is_heard("south.example.org").await).await;
    elsewhere.command(&elsewhere.owner, "SetSiteHosts", at("moved.example.org")).await;
    until("a host moves", async || is_heard("moved.example.org").await).await;
    until("from where it was", async || !is_heard("south.example.org").await).await;

    hollow.store(false, Ordering::SeqCst);
    until("it is back by itself", async || north.ask(&north.owner, "/v1/people").await.status == 200).await;
    // Appended, and folded.
    until("it takes commands", async || {
        north.send(&north.owner, "FoundHub", json!({"name": "Far North"})).await.status == 200
    })
    .await;
    let is_folded = async || north.items(&north.owner, "/v1/hubs").await.iter().any(|hub| hub["name"] == "Far North");
    until("it is read", is_folded).await;
    drop(fake);
}

#[tokio::test]
async fn an_instant_that_is_none_in_a_schools_database_is_over_when_it_is_put_right() {
    let service = super::installation().await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    assert_eq!(north.ask(&north.owner, "/v1/people").await.status, 200);
    let used_last = async |at: &str| {
        let sql = format!("update tokens set last_used_at = '{at}'");
        sqlx::query(&sql).execute(&own.pool).await.expect("it is written");
    };
    used_last("-infinity").await;
    assert!(north.ask(&north.owner, "/v1/people").await.status >= 500);
    used_last("2026-03-01").await;
    until("it is back by itself", async || north.ask(&north.owner, "/v1/people").await.status == 200).await;
}

#[tokio::test]
async fn a_session_in_a_year_that_none_is_in_is_an_error_where_it_is_read() {
    let service = super::installation().await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    let cohort = Student::in_site(&north).await.cohort;
    let (path, calendar) = (format!("/v1/cohorts/{cohort}"), format!("/v1/cohorts/{cohort}/calendar.ics"));
    let head = north.executor.store().head().await.expect("the log's head");
    let read = north.ask(&north.owner, &format!("{calendar}?min_position={head}")).await;
    assert_eq!(read.status, 200, "{}", read.text);
    // Days are not counted to the first, and cannot be to the last.
    for year in ["2300", "-1000", "+262000", "+262142"] {
        let sql = format!(
            "update cohorts set sessions = jsonb_set(sessions, '{{1,starts_at}}', '\"{year}-12-31T00:00:00Z\"')"
        );
        sqlx::query(&sql).execute(&own.pool).await.expect("it is written");
        for path in [&path, &calendar] {
            is_problem(&north.ask(&north.owner, path).await, 500, "internal_error");
        }
    }
    assert_eq!(north.ask(&north.owner, "/v1/people").await.status, 200);
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
