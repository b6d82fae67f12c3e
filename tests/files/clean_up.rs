//! Uploads that nobody used go, with the clock; those that somebody used stay.

use rollbook_http::uploads::clean_up;
use serde_json::Value;

use super::{PDF, PNG, id, rows, stored, upload};
use crate::harness::Service;
use crate::school::School;

/// As an event's append claims an upload.
async fn claim(school: &School, upload: &Value) {
    let sql = "insert into claims (site_id, kind, key, owner) values ($1, 'upload', $2, gen_random_uuid())";
    let pool = &school.service.database.pool;
    sqlx::query(sql).bind(school.service.state.site().0).bind(id(upload)).execute(pool).await.expect("it is claimed");
}

#[tokio::test]
async fn takes_away_what_nobody_used_and_nothing_else() {
    let school = School::open().await;
    let state = &school.service.state;
    upload(&school, &school.owner, "unused.png", PNG).await;
    let used = upload(&school, &school.owner, "used.png", PNG).await;
    claim(&school, &used).await;
    school.service.now("2026-02-01T12:00:00Z");
    upload(&school, &school.owner, "younger.pdf", PDF).await;
    assert_eq!((rows(&school).await, stored(&school).len()), (3, 5));

    // Commands take it until 24 hours have gone; it goes after 25, and stays for whoever is still at it.
    school.service.now("2026-02-02T01:00:00Z");
    assert_eq!(clean_up(state).await.expect("it runs"), 0);
    school.service.now("2026-02-02T01:00:01Z");
    assert_eq!(clean_up(state).await.expect("it runs"), 1);
    assert_eq!((rows(&school).await, stored(&school).len()), (2, 3));
    school.service.now("2026-02-03T00:00:00Z");
    assert_eq!(clean_up(state).await.expect("it runs"), 1);
    assert_eq!(clean_up(state).await.expect("it runs again"), 0);
    let left: Vec<_> = stored(&school).iter().map(|path| path.extension().expect("one").to_owned()).collect();
    assert_eq!((rows(&school).await, left), (1, vec!["png".into(), "webp".into()]));
    // A command that is sent again finds what it found before.
    let upload = id(&used).parse().expect("an id");
    assert!(rollbook_http::uploads::resolve(state, state.site(), upload).await.is_ok());
}

#[tokio::test]
async fn takes_away_what_a_killed_process_left() {
    let school = School::open().await;
    let uploaded = upload(&school, &school.owner, "a.pdf", PDF).await;
    let pool = &school.service.database.pool;
    sqlx::query("update uploads set stored = false").execute(pool).await.expect("as before its end");
    let [file] = stored(&school).try_into().expect("one file");
    std::fs::rename(&file, file.with_extension("pdf#1")).expect("as while it is written");
    let path = format!("/v1/uploads/{}/file", id(&uploaded));
    assert_eq!(school.service.ask(&school.owner, &path).await.status, 404, "it cannot be used");
    school.service.now("2026-02-02T02:00:00Z");
    assert_eq!(clean_up(&school.service.state).await.expect("it runs"), 1);
    assert_eq!((rows(&school).await, stored(&school).len()), (0, 0));
}

#[tokio::test]
async fn what_cannot_be_taken_away_yet_holds_up_nothing_else() {
    let school = School::open().await;
    for name in ["a.pdf", "b.pdf", "c.pdf"] {
        upload(&school, &school.owner, name, PDF).await;
    }
    school.service.now("2026-02-02T02:00:00Z");
    let stuck = stored(&school).into_iter().nth(1).expect("three files");
    std::fs::remove_file(&stuck).expect("it is removed");
    std::fs::create_dir(&stuck).expect("a folder in its place");
    let state = &school.service.state;
    assert_eq!(clean_up(state).await.expect("it runs"), 2);
    assert_eq!(rows(&school).await, 1);
    std::fs::remove_dir(&stuck).expect("it is removed");
    assert_eq!(clean_up(state).await.expect("it runs"), 1);
    assert_eq!(rows(&school).await, 0);
}

#[tokio::test]
async fn one_process_at_a_time() {
    let school = School::open().await;
    for nth in 0..120 {
        upload(&school, &school.owner, &format!("{nth}.pdf"), PDF).await;
    }
    school.service.now("2026-02-02T02:00:00Z");
    let other = Service::on_the_database_of(&school.service).await;
    let held = school.service.executor.store();
    let before = school.service.clock.now();
    let held = held.abandoned_uploads(school.service.state.site(), before, uuid::Uuid::nil()).await.expect("a look");
    assert_eq!(held.uploads.len(), 100, "so many at once");
    assert_eq!(clean_up(&other.state).await.expect("it runs"), 0, "while another does");
    drop(held);
    let (one, two) = tokio::join!(clean_up(&school.service.state), clean_up(&other.state));
    let (one, two) = (one.expect("it runs"), two.expect("it runs"));
    // Whoever comes while the other is at it leaves it to the other; nothing is counted twice.
    let left = rows(&school).await;
    assert_eq!(i64::try_from(one + two).expect("a count") + left, 120);
    clean_up(&other.state).await.expect("it runs");
    assert_eq!((rows(&school).await, stored(&school).len()), (0, 0));
}
