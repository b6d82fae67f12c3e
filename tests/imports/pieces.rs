//! Files whose rows change much: written piece by piece, and one command all the same.

use futures::future::{BoxFuture, join};
use reqwest::Method;
use rollbook_domain::cohort::{ImportRoster, PIECE_EVENTS, RosterRow, RowOutcome};
use rollbook_domain::{Actor, PersonId, Refusal, SiteId};
use rollbook_store::{CommandKey, ExecuteError, Pace, Position, Receipt, Request};
use serde_json::json;
use sqlx::Row as _;
use tokio::time::timeout;
use uuid::Uuid;

use super::A_MOMENT;
use crate::harness::answer;
use crate::school::School;

/// More rows than a piece has.
const ROWS: usize = 1_200;

/// A roster of so many people, by an admin, under a key.
fn roster(school: &School, by: &str, rows: usize, key: Uuid) -> Request {
    let row = |n| json!({"name": format!("Student {n}"), "email": format!("student{n}@example.org")});
    let rows: Vec<RosterRow> =
        serde_json::from_value((0..rows).map(row).collect::<Vec<_>>().into()).expect("rows of a roster");
    Request {
        site: SiteId::DEFAULT,
        actor: Actor::Person(PersonId(by.parse().expect("an id"))),
        command: ImportRoster { cohort_id: school.cohort.parse().expect("an id"), rows }.into(),
        command_id: Some(CommandKey::of_client(key)),
        if_match: None,
        correlation_id: None,
    }
}

/// Says what happens after each piece, and counts what was appended.
struct After<'s> {
    events: usize,
    what: Box<dyn FnMut() -> BoxFuture<'s, ()> + Send + 's>,
}

impl<'s> After<'s> {
    fn each(what: impl FnMut() -> BoxFuture<'s, ()> + Send + 's) -> Self {
        Self { events: 0, what: Box::new(what) }
    }
}

impl Pace for After<'_> {
    fn wrote(&mut self, events: usize) {
        self.events += events;
    }

    fn between(&mut self, _position: Position) -> BoxFuture<'_, ()> {
        (self.what)()
    }
}

/// Breaks a command off after its first piece.
async fn broken_off(school: &School, request: Request) {
    let (written, wait) = tokio::sync::oneshot::channel();
    let mut written = Some(written);
    let mut pace = After::each(move || {
        written.take().expect("nothing comes after it").send(()).expect("somebody waits");
        Box::pin(std::future::pending())
    });
    let executing = school.service.executor.execute_paced(request, &mut pace);
    tokio::select! {
        _ = executing => panic!("it waits for ever"),
        first = timeout(A_MOMENT, wait) => first.expect("in time").expect("a piece"),
    }
}

fn outcomes(receipt: &Receipt) -> [usize; 2] {
    [RowOutcome::New, RowOutcome::Unchanged]
        .map(|outcome| receipt.rows.iter().filter(|row| row.outcome == outcome).count())
}

#[tokio::test]
async fn each_piece_is_an_append_and_all_of_them_one_receipt() {
    let school = School::open().await;
    let before = school.head().await;
    let (admin, key) = (school.person("Admin of Files").await, Uuid::new_v4());
    school.command("GrantRole", json!({"person_id": admin, "role": "admin"})).await;
    let first = school.head().await;
    assert!(first > before);
    let receipt = school.service.executor.execute(roster(&school, &admin, ROWS, key)).await.expect("a receipt");
    assert_eq!((receipt.command_id.0, receipt.events.len(), receipt.rows.len()), (key, ROWS * 2, ROWS));
    let positions: Vec<_> = receipt.events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (first + 1..=receipt.position).collect::<Vec<_>>());
    let streams: std::collections::BTreeSet<_> = receipt.streams.iter().map(|stream| stream.id).collect();
    assert_eq!((streams.len(), receipt.streams.len()), (ROWS * 2 + 1, ROWS * 2 + 1), "and the cohort");

    let sql = "select first_position, last_position from commands where first_position > $1 order by 1";
    let appends =
        sqlx::query(sql).bind(first).fetch_all(school.service.executor.store().pool()).await.expect("receipts");
    let sizes = appends.iter().map(|row| row.get::<i64, _>(1) - row.get::<i64, _>(0) + 1);
    let most = i64::try_from(PIECE_EVENTS).expect("few");
    assert_eq!(sizes.collect::<Vec<_>>(), [most, most, 400]);
    let tied = "select count(*) from events where position > $1 and metadata->>'correlation_id' = $2";
    let tied: i64 = sqlx::query_scalar(tied)
        .bind(first)
        .bind(key.to_string())
        .fetch_one(school.service.executor.store().pool())
        .await
        .expect("a count");
    assert_eq!(tied, receipt.position - first, "all of its events are found by its id");

    let again = school.service.executor.execute(roster(&school, &admin, ROWS, key)).await.expect("the same");
    assert_eq!(again, receipt);
}

#[tokio::test]
async fn what_was_broken_off_is_taken_up_where_it_stopped() {
    let school = School::open().await;
    let (admin, key) = (school.person("Admin of Files").await, Uuid::new_v4());
    school.command("GrantRole", json!({"person_id": admin, "role": "admin"})).await;
    let before = school.head().await;
    broken_off(&school, roster(&school, &admin, ROWS, key)).await;
    let half = school.head().await;
    assert_eq!(half, before + i64::try_from(PIECE_EVENTS).expect("few"));

    // Neither another large command under its key, nor a small one.
    let executor = &school.service.executor;
    for rows in [ROWS + 1, 1] {
        let another = executor.execute(roster(&school, &admin, rows, key)).await;
        assert!(matches!(another, Err(ExecuteError::KeyReused)), "{another:?}");
    }
    assert_eq!(school.head().await, half, "and nothing of them");

    let mut rest = After::each(|| Box::pin(std::future::ready(())));
    let receipt = executor.execute_paced(roster(&school, &admin, ROWS, key), &mut rest).await.expect("the rest");
    assert_eq!((outcomes(&receipt), receipt.events.len()), ([ROWS, 0], ROWS * 2), "as if nothing had happened");
    assert_eq!(rest.events, ROWS * 2 - PIECE_EVENTS);
    assert_eq!(school.head().await, before + i64::try_from(ROWS * 2).expect("few"));
    let mut again = After::each(|| unreachable!("nothing is written"));
    let same = executor.execute_paced(roster(&school, &admin, ROWS, key), &mut again).await.expect("the same");
    assert_eq!((same, again.events), (receipt, 0));
}

#[tokio::test]
async fn a_right_that_ends_half_way_ends_it_there() {
    let school = School::open().await;
    let admin = school.person("Admin of Files").await;
    school.command("GrantRole", json!({"person_id": admin, "role": "admin"})).await;
    let before = school.head().await;
    let request = roster(&school, &admin, ROWS, Uuid::new_v4());
    let mut revoked = false;
    let mut pace = After::each(|| {
        assert!(!std::mem::replace(&mut revoked, true), "one piece, and no more");
        Box::pin(async {
            school.command("RevokeRole", json!({"person_id": admin, "role": "admin"})).await;
        })
    });
    let refused = school.service.executor.execute_paced(request, &mut pace).await;
    assert!(matches!(refused, Err(ExecuteError::Refused(Refusal::NotAllowed(_)))), "{refused:?}");
    assert_eq!(school.head().await, before + i64::try_from(PIECE_EVENTS).expect("few") + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twice_at_once_under_one_key_it_is_one_command_and_counts_as_such() {
    let school = School::open().await;
    let before = school.head().await;
    let file = (0..ROWS).fold("name,email\n".to_owned(), |file, n| file + &format!("S {n},s{n}@example.org\n"));
    let path = format!("/v1/cohorts/{}/roster-import?commit=true", school.cohort);
    let send = |key: Uuid| {
        let request = school.service.request(Method::POST, &school.admin, &path).header("content-type", "text/csv");
        answer(request.header("idempotency-key", key.to_string()).body(file.clone()))
    };
    let key = Uuid::new_v4();
    let (one, other) = join(send(key), send(key)).await;
    assert_eq!((one.status, other.status), (200, 200), "{} {}", one.text, other.text);
    assert_eq!(one.json, other.json);
    assert_eq!(school.head().await, before + i64::try_from(ROWS * 2).expect("few"));
    assert_eq!(send(Uuid::new_v4()).await.status, 200, "they have not written more than there is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_share_the_work_have_one_receipt_and_each_counts_for_what_it_wrote() {
    let school = School::open().await;
    let (admin, key) = (school.person("Admin of Files").await, Uuid::new_v4());
    school.command("GrantRole", json!({"person_id": admin, "role": "admin"})).await;
    // The first has written one piece when the second writes the others.
    let (mut once, of_school, by) = (true, &school, admin.as_str());
    let (told, second) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    let mut pace = After::each(move || {
        let second = std::mem::take(&mut once);
        let told = told.take();
        Box::pin(async move {
            if second {
                let request = roster(of_school, by, ROWS, key);
                let receipt = of_school.service.executor.execute(request).await.expect("a receipt");
                told.expect("once").send(receipt).expect("somebody waits");
            }
        })
    });
    let first = school.service.executor.execute_paced(roster(&school, &admin, ROWS, key), &mut pace).await;
    let first = first.expect("a receipt");
    assert_eq!((outcomes(&first), pace.events), ([ROWS, 0], PIECE_EVENTS));
    assert_eq!(second.await.expect("the second's"), first);
}
