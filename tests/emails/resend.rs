//! Resend at its worst: failing, busy, silent, and refusing one of many.

use chrono::TimeDelta;
use serde_json::json;

use super::fake_resend::Mood;
use super::scene::Scene;
use crate::harness::at;

#[tokio::test]
async fn after_three_failures_each_message_is_taken_once() {
    let mut scene = Scene::open().await;
    scene.school.students(3).await;
    scene.send(1).await;
    scene.resend.will([
        Mood::Says(500, "application_error", None),
        Mood::TakesAndDrops,
        Mood::Says(409, "concurrent_idempotent_requests", None),
    ]);
    for tried in 1..=3 {
        let next = scene.deliver().await.expect("it is tried again");
        let waits = next - scene.school.service.clock.now();
        assert!(waits > TimeDelta::zero() && waits <= TimeDelta::seconds(1 << (tried - 1)), "{waits}");
        assert_eq!(scene.resend.requests().len(), tried);
        assert_eq!(scene.statuses().await, [("sending".to_owned(), 3)]);
        scene.at(next);
    }
    assert_eq!(scene.deliver().await, None);
    let requests = scene.resend.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| *request == requests[0]), "the same request under the same key");
    assert_eq!(scene.emails("").await[0]["attempts"], 4);
    assert_eq!(scene.statuses().await, [("sent".to_owned(), 3)]);
    scene.everything_went_once(3).await;
    let kept: i64 = sqlx::query_scalar("select count(*) from email_batches")
        .fetch_one(&scene.school.service.database.pool)
        .await
        .expect("a count");
    assert_eq!(kept, 0, "what was in a message is not kept any longer than it is needed");
}

#[tokio::test]
async fn a_busy_provider_is_asked_when_it_says_and_the_messages_are_judged_again() {
    let mut scene = Scene::open().await;
    let students = scene.school.students(2).await;
    scene.send(1).await;
    scene.resend.will([Mood::Says(429, "rate_limit_exceeded", Some(120))]);
    let next = scene.deliver().await.expect("it is tried again");
    assert_eq!(next, at("2026-02-01T00:02:00Z"));
    let waiting = scene.email(&students[0].enrolment).await;
    assert_eq!((&waiting["status"], &waiting["attempts"]), (&json!("waiting"), &json!(1)));
    assert!(waiting["detail"].as_str().is_some_and(|d| d.contains("429") && !d.contains("example.org")), "{waiting}");
    // Meanwhile nobody asks, not even for others.
    scene.school.student("Late", None).await;
    scene.send(1).await;
    scene.at(next - TimeDelta::seconds(1));
    scene.deliver().await;
    assert_eq!(scene.resend.requests().len(), 1);
    scene.school.command("HoldStudent", json!({"enrolment_id": students[0].enrolment, "reason": "Wait."})).await;
    scene.at(next);
    assert_eq!(scene.deliver().await, None);
    assert_eq!(scene.email(&students[0].enrolment).await["status"], "skipped");
    scene.everything_went_once(2).await;
}

#[tokio::test]
async fn a_provider_that_never_takes_anything_is_given_up_and_a_silent_one_is_not_trusted() {
    for (mood, comes_to) in
        [(Mood::Says(403, "invalid_api_key", None), "failed"), (Mood::Says(503, "", None), "unconfirmed")]
    {
        let mut scene = Scene::open().await;
        let student = scene.school.student("Anahera", None).await;
        scene.send(1).await;
        scene.resend.will(vec![mood; 40]);
        while let Some(next) = scene.deliver().await {
            scene.at(next);
        }
        let email = scene.email(&student.enrolment).await;
        assert_eq!((&email["status"], &email["attempts"]), (&json!(comes_to), &json!(15)), "{email}");
        assert!(email["detail"].as_str().is_some_and(|detail| detail.contains("Resend says")), "{email}");
        assert_eq!(scene.resend.requests().len(), 15);
    }
}

#[tokio::test]
async fn a_request_whose_key_may_be_forgotten_is_never_repeated() {
    let mut scene = Scene::open().await;
    let student = scene.school.student("Anahera", None).await;
    scene.send(1).await;
    scene.resend.will([Mood::TakesAndDrops]);
    scene.deliver().await;
    scene.school.service.now("2026-02-02T00:00:00Z");
    assert_eq!(scene.deliver().await, None);
    assert_eq!(scene.email(&student.enrolment).await["status"], "unconfirmed");
    assert_eq!(scene.resend.requests().len(), 1);
    scene.everything_went_once(1).await;
}

#[tokio::test]
async fn one_address_that_is_refused_holds_up_nobody_else() {
    for strict in [false, true] {
        let mut scene = Scene::open().await;
        let students = scene.school.students(4).await;
        if strict {
            scene.resend.is_strict();
        }
        let address = scene.school.row(&students[1]).await["email"].as_str().expect("an address").to_owned();
        scene.resend.refuses(&address);
        scene.send(1).await;
        assert_eq!(scene.deliver().await, None);
        let refused = scene.email(&students[1].enrolment).await;
        assert_eq!(refused["status"], "failed", "{refused}");
        let detail = refused["detail"].as_str().expect("a reason");
        assert!(detail.contains("Invalid `to` field") && !detail.contains(&address), "{detail}");
        let sent = ("sent".to_owned(), 3);
        assert_eq!(scene.statuses().await, [("failed".to_owned(), 1), sent]);
        assert_eq!(scene.resend.requests().len(), if strict { 5 } else { 1 });
        scene.everything_went_once(3).await;
    }
}

#[tokio::test]
async fn a_batch_has_at_most_a_hundred_messages() {
    let mut scene = Scene::open().await;
    scene.school.students(101).await;
    scene.send(1).await;
    scene.deliver().await;
    let sizes: Vec<_> =
        scene.resend.requests().iter().map(|(_, p)| p.matches("X-Rollbook-Message-ID").count()).collect();
    assert_eq!(sizes, [100, 1]);
    scene.everything_went_once(101).await;
}

#[tokio::test]
async fn a_name_is_a_name_whatever_is_in_it() {
    let mut scene = Scene::open().await;
    let name = "Zoë \"<b>陈</b>\" O'Neil\r\nBcc: eve@example.org";
    let student = scene.school.student_of_old(name).await;
    scene.send(1).await;
    scene.deliver().await;
    let [taken] = &scene.resend.taken()[..] else { panic!("one message") };
    let text = |field: &str| taken.message[field].as_str().expect("a text").to_owned();
    assert!(text("text").starts_with("Hello Zoë \"<b>陈</b>\" O'Neil Bcc: eve@example.org,\n"), "{}", text("text"));
    assert!(
        text("html").contains("Hello Zoë &quot;&lt;b&gt;陈&lt;/b&gt;&quot; O&#39;Neil Bcc: eve@"),
        "{}",
        text("html")
    );
    assert_eq!(text("subject"), "Kererū 2026: week 1 is open");
    assert_eq!(taken.message["to"].as_array().map(Vec::len), Some(1));
    assert!(taken.to().starts_with("person") && text("from").contains("<school@example.org>"), "{taken:?}");
    // 3 February 2026, 19:00 in Sydney.
    assert!(text("text").contains("Tuesday, 3 February 2026, at 19:00 (Australia/Sydney)"), "{}", text("text"));
    assert_eq!(scene.email(&student.enrolment).await["name"], name);
}
