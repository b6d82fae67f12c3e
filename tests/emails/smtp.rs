//! SMTP, which knows no idempotency: what may have been taken is told to somebody, and never sent by itself again.

use rollbook_mail::Secret;
use serde_json::json;

use super::fake_smtp::{Ending, FakeSmtp};
use super::scene::{FROM, Scene, mailer, settings};

async fn open() -> (Scene, FakeSmtp) {
    let server = FakeSmtp::start().await;
    let url = Secret::new(&server.url);
    let scene = Scene::with(|settings| {
        settings.resend_api_key = None;
        settings.smtp_url = Some(url);
    })
    .await;
    (scene, server)
}

#[tokio::test]
async fn each_message_is_handed_over_once_under_its_own_id() {
    let (mut scene, server) = open().await;
    let students = scene.school.students(3).await;
    let named = scene.school.student_of_old("Zoë \"Z\" 陈\r\nBcc: eve@example.org").await;
    let gone = scene.school.row(&students[2]).await["email"].as_str().expect("an address").to_owned();
    server.refuses(&gone);
    scene.send(1).await;
    assert_eq!(scene.deliver().await, None);
    assert_eq!(scene.statuses().await, [("failed".to_owned(), 1), ("sent".to_owned(), 3)]);
    let refused = scene.email(&students[2].enrolment).await;
    let detail = refused["detail"].as_str().expect("a reason");
    assert!(detail.contains("no such mailbox") && !detail.contains(&gone), "{detail}");

    let taken = server.taken();
    assert_eq!(taken.len(), 3);
    for message in &taken {
        assert_eq!((message.from.as_str(), message.to.len()), ("school@example.org", 1), "{message:?}");
        assert_eq!(message.source.matches("\r\nMessage-ID: <").count(), 1, "{message:?}");
        assert!(!message.source.contains("\r\nBcc:"), "{message:?}");
    }
    let id = scene.email(&named.enrolment).await["message_id"].as_str().expect("an id").to_owned();
    let own = taken.iter().filter(|m| m.source.contains(&format!("Message-ID: <{id}@example.org>"))).count();
    assert_eq!(own, 1);
}

#[tokio::test]
async fn what_the_server_has_no_time_for_waits_and_goes_later() {
    let (mut scene, server) = open().await;
    let student = scene.school.student("Rewi", None).await;
    scene.send(1).await;
    server.ends(Ending::Later);
    let next = scene.deliver().await.expect("it is tried again");
    let waiting = scene.email(&student.enrolment).await;
    assert_eq!((&waiting["status"], &waiting["attempts"]), (&json!("waiting"), &json!(1)), "{waiting}");
    server.ends(Ending::Takes);
    scene.at(next);
    assert_eq!(scene.deliver().await, None);
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn what_may_have_been_taken_is_not_sent_again_by_itself() {
    let (mut scene, server) = open().await;
    let student = scene.school.student("Rewi", None).await;
    scene.send(1).await;
    server.ends(Ending::TakesAndCuts);
    assert_eq!(scene.deliver().await, None);
    assert_eq!(scene.email(&student.enrolment).await["status"], "unconfirmed");
    scene.school.service.now("2026-02-02T00:00:00Z");
    assert_eq!(scene.deliver().await, None);
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn a_death_between_sending_and_recording_leaves_a_message_unconfirmed() {
    let (scene, server) = open().await;
    let student = scene.school.student("Rewi", None).await;
    scene.send(1).await;
    server.ends(Ending::TakesAndHangs);
    let Scene { school, resend, mailer: mut first, folder } = scene;
    let dying = tokio::spawn(async move { first.round().await.map(drop) });
    server.has_taken(1).await;
    dying.abort();
    assert!(dying.await.is_err_and(|ended| ended.is_cancelled()));

    let mut settings = settings(&resend, &folder);
    settings.resend_api_key = None;
    settings.smtp_url = Some(Secret::new(&server.url));
    settings.from = Some(FROM.to_owned());
    let mailer = mailer(&school.service, &settings);
    let mut scene = Scene { school, resend, mailer, folder };
    server.ends(Ending::Takes);
    scene.takes_over().await;
    assert_eq!(scene.deliver().await, None);
    let email = scene.email(&student.enrolment).await;
    assert_eq!(email["status"], "unconfirmed", "{email}");
    assert_eq!(server.taken().len(), 1);
    // An admin who knows better has it sent.
    assert_eq!(scene.retry(&scene.school.admin, &email["message_id"]).await.status, 200);
    assert_eq!(scene.deliver().await, None);
    assert_eq!(scene.email(&student.enrolment).await["status"], "sent");
    assert_eq!(server.taken().len(), 2);
}

#[tokio::test]
async fn nothing_is_lost_while_there_is_no_server() {
    let (mut scene, server) = open().await;
    let student = scene.school.student("Rewi", None).await;
    scene.send(1).await;
    let mut away = settings(&scene.resend, &scene.folder);
    away.resend_api_key = None;
    away.smtp_url = Some(Secret::new("smtp://me:topsecret@127.0.0.1:1"));
    let there = std::mem::replace(&mut scene.mailer, mailer(&scene.school.service, &away));
    let next = scene.deliver().await.expect("it is tried again");
    let waiting = scene.email(&student.enrolment).await;
    assert!(!waiting.to_string().contains("topsecret"), "{waiting}");
    assert_eq!(waiting["status"], "waiting");
    std::mem::replace(&mut scene.mailer, there).close().await;
    scene.at(next);
    scene.takes_over().await;
    assert_eq!(scene.deliver().await, None);
    assert_eq!(server.taken().len(), 1);
}
