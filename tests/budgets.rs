//! How much of what everybody shares one person may have: bytes a day, files, subscriptions, room on the disk. Whoever has
//! had theirs is told so, and others go on.

use reqwest::Method;
use rollbook_http::Limits;
use rollbook_store::Clock;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::{Answer, Database, Hosting, Service, answer, at, eventually};
use crate::read_models::SOON;
use crate::school::{BEFORE, School};

fn is_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.json["code"]), (status, &json!(code)), "{}", answer.text);
}

async fn upload(school: &School, token: &str) -> Answer {
    let request = school.service.request(Method::POST, token, "/v1/uploads?name=a.pdf");
    answer(request.header("content-type", "application/octet-stream").body("%PDF-1.7\n%%EOF\n")).await
}

#[tokio::test]
async fn a_student_who_writes_without_end_waits_for_the_next_day_and_nobody_else_does() {
    let school = School::open().await;
    let students = school.students(2).await;
    let mut tokens = Vec::new();
    for student in &students {
        for week in 2..=6 {
            let body = json!({"enrolment_id": student.enrolment, "week": week, "reason": "to write"});
            school.command("SetWeek", body).await;
        }
        tokens.push(school.service.token(&student.person).await);
    }
    let write = async |nth: usize, week: usize, revision: usize| {
        let text = format!("{revision}{}", "字".repeat(19_990));
        let body =
            json!({"enrolment_id": students[nth].enrolment, "week": week, "text": text, "visibility": "private"});
        school.service.send(&tokens[nth], "SubmitReflection", body).await
    };
    // The fifty-first of a week is no revision any more.
    for revision in 0..50 {
        assert_eq!(write(0, 1, revision).await.status, 200);
    }
    is_problem(&write(0, 1, 50).await, 409, "revised_too_often");
    let (mut written, refused) = (50, 'write: {
        for revision in 0..300 {
            let answer = write(0, 2 + revision / 50, revision).await;
            if answer.status != 200 {
                break 'write answer;
            }
        }
        panic!("nothing stops a student");
    });
    is_problem(&refused, 429, "too_much_today");
    let seconds: u64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("a number");
    assert!((1..=86_400).contains(&seconds), "{seconds}");
    written += 1;
    assert!(written < 150);
    assert_eq!(write(1, 1, 0).await.status, 200, "another student");
    let hub = json!({"hub_id": school.north, "name": "Northland and beyond"});
    assert_eq!(school.service.send(&school.admin, "RenameHub", hub).await.status, 200, "an admin");
    // What is refused does not count: nobody writes away somebody's day by what was never theirs to do.
    for _ in 0..200 {
        let body = json!({"enrolment_id": students[0].enrolment, "week": 1, "text": "字".repeat(20_000), "visibility": "private"});
        is_problem(&school.service.send(&tokens[1], "SubmitReflection", body).await, 403, "not_allowed");
    }
    assert_eq!(write(1, 1, 1).await.status, 200);
    school.service.now("2026-02-03T00:00:00Z");
    assert_eq!(write(0, 6, 300).await.status, 200, "another day");
}

#[tokio::test]
async fn with_a_disk_nearly_full_nothing_is_taken_that_grows_and_all_is_read() {
    let limits = Limits { disk_reserve: u64::MAX, ..Hosting::default().limits };
    let database = Database::create().await;
    let full = Hosting { limits, ..Hosting::default() };
    let school = School::of(Service::on(database.clone(), Clock::frozen(at(BEFORE))).await, json!({})).await;
    let service = Service::hosting(database, Clock::frozen(at(BEFORE)), full).await;
    let hub = json!({"name": "Eastland"});
    is_problem(&service.send(&school.owner, "FoundHub", hub.clone()).await, 507, "insufficient_storage");
    let send = async |path: &str, media: &str, body: &'static str| {
        answer(service.request(Method::POST, &school.owner, path).header("content-type", media).body(body)).await
    };
    let uploaded = send("/v1/uploads?name=a.pdf", "application/octet-stream", "%PDF-1.7\n%%EOF\n").await;
    is_problem(&uploaded, 507, "insufficient_storage");
    let import = format!("/v1/cohorts/{}/roster-import", school.cohort);
    let roster = "name,email\nRua,rua@example.org\n";
    let committed = send(&format!("{import}?commit=true"), "text/csv", roster).await;
    is_problem(&committed, 507, "insufficient_storage");
    assert_eq!(send(&import, "text/csv", roster).await.status, 200, "a preview writes nothing");
    let somebody = service.get(&school.owner, "/v1/people").await["items"][0]["person_id"].clone();
    let invitation = format!("/v1/people/{}/invitation", somebody.as_str().expect("an id"));
    is_problem(&send(&invitation, "application/json", "{}").await, 507, "insufficient_storage");
    let everywhere = service.token(&school.student("Rua", None).await.person).await;
    let ended = answer(service.request(Method::POST, &everywhere, "/v1/sign-out-everywhere")).await;
    assert_eq!(ended.status, 204, "what ends a way in is never refused: {}", ended.text);
    for path in ["/v1/me", "/v1/hubs", "/v1/events", "/healthz", "/readyz"] {
        assert_eq!(service.ask(&school.owner, path).await.status, 200, "{path}");
    }
    assert_eq!(school.service.send(&school.owner, "FoundHub", hub).await.status, 200, "where there is room");
}

#[tokio::test]
async fn a_person_follows_the_log_eight_times_at_once() {
    let school = School::open().await;
    let follow = async |token: &str| {
        let request = school.service.request(Method::GET, token, "/v1/events/stream?after=0");
        request.send().await.expect("an answer")
    };
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(follow(&school.admin).await);
        assert_eq!(open.last().expect("the last").status(), 200);
    }
    let refused = follow(&school.admin).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(follow(&school.owner).await.status(), 200, "somebody else");
    open.clear();
    // That they have gone is heard of in a moment.
    eventually(SOON, "there is a place again", async || (follow(&school.admin).await.status() == 200).then_some(()))
        .await;
}

#[tokio::test]
async fn a_person_uploads_four_files_at_once_and_so_many_in_a_day() {
    let school = School::open().await;
    let begin = async || {
        let mut stream =
            TcpStream::connect(school.service.url.trim_start_matches("http://")).await.expect("it answers");
        let head = format!(
            "POST /v1/uploads?name=a.pdf HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\n%PDF",
            school.instructor
        );
        stream.write_all(head.as_bytes()).await.expect("it is sent");
        stream
    };
    // Each is begun when its head has been read, which is some time after it was sent.
    let mut half_way = Vec::new();
    while upload(&school, &school.instructor).await.status == 200 {
        half_way.push(begin().await);
    }
    assert!(half_way.len() >= 4);
    is_problem(&upload(&school, &school.instructor).await, 429, "too_many_requests");
    assert_eq!(upload(&school, &school.admin).await.status, 200, "somebody else");
    drop(half_way);
    eventually(SOON, "there is a place again", async || {
        (upload(&school, &school.instructor).await.status != 429).then_some(())
    })
    .await;

    // As if they had uploaded all day.
    let me: Value = school.service.get(&school.instructor, "/v1/me").await;
    let person = me["person_id"].as_str().or_else(|| me["id"].as_str()).expect("an id");
    let (pool, site) = (&school.service.database.pool, school.service.site);
    let days =
        "insert into uploads (site_id, upload_id, key, name, size, sha256, media_type, kind, uploaded_by, uploaded_at)
        select $1, gen_random_uuid(), '-', 'a.pdf', $2, '', 'application/pdf', 'document', $3::uuid, $4
        from generate_series(1, $5)";
    let insert = async |size: i64, files: i32| {
        let query = sqlx::query(days).bind(site.0).bind(size).bind(person).bind(at(BEFORE)).bind(files);
        query.execute(pool).await.expect("rows");
    };
    insert(1, 500).await;
    is_problem(&upload(&school, &school.instructor).await, 429, "too_much_today");
    assert_eq!(upload(&school, &school.admin).await.status, 200, "somebody else");
    sqlx::query("delete from uploads where size = 1").execute(pool).await.expect("no rows");
    assert_eq!(upload(&school, &school.instructor).await.status, 200);
    insert(1 << 30, 2).await;
    is_problem(&upload(&school, &school.instructor).await, 429, "too_much_today");
    insert(1 << 30, 18).await;
    is_problem(&upload(&school, &school.admin).await, 429, "too_much_today");
}
