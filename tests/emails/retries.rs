//! An admin has a message sent again that did not arrive, and the log says who.

use serde_json::{Value, json};

use super::fake_resend::Mood;
use super::scene::Scene;
use crate::school::event_types;

#[tokio::test]
async fn what_failed_is_sent_again_when_an_admin_says_so() {
    let mut scene = Scene::open().await;
    let student = scene.school.student("Ihaia", None).await;
    let address = scene.school.row(&student).await["email"].as_str().expect("an address").to_owned();
    scene.resend.refuses(&address);
    scene.send(1).await;
    scene.deliver().await;
    let failed = scene.email(&student.enrolment).await;
    assert_eq!(failed["status"], "failed");

    let refused = scene.retry(&scene.school.instructor, &failed["message_id"]).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let correct = json!({"person_id": student.person, "email": "ihaia@example.org"});
    scene.school.command("CorrectPerson", correct).await;
    let retried = scene.retry(&scene.school.admin, &failed["message_id"]).await;
    assert_eq!((retried.status, event_types(&retried.json)), (200, vec!["EmailRetried"]), "{}", retried.text);
    let waiting = scene.email(&student.enrolment).await;
    assert_eq!(waiting["status"], "waiting", "at once, before anybody has delivered it");
    let again = scene.retry(&scene.school.admin, &failed["message_id"]).await;
    assert_eq!((again.status, &again.json["code"]), (409, &json!("email_not_retriable")), "{}", again.text);

    scene.deliver().await;
    let sent = scene.email(&student.enrolment).await;
    assert_eq!((&sent["status"], &sent["message_id"]), (&json!("sent"), &failed["message_id"]), "{sent}");
    let [first, second] = &scene.resend.requests()[..] else { panic!("two requests") };
    assert_ne!(first.0, second.0, "another request, another key");
    assert_eq!(scene.resend.taken()[0].to(), "ihaia@example.org");
    let audit = scene.school.service.items(&scene.school.admin, "/v1/audit?action=email_retried").await;
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert_eq!(audit[0]["actor"]["name"], "Ádám Admin");
    assert_eq!(audit[0]["subject"]["enrolment_id"], json!(student.enrolment));
    scene.everything_went_once(1).await;
}

#[tokio::test]
async fn what_is_unconfirmed_goes_again_only_if_somebody_says_so_and_then_once() {
    let mut scene = Scene::open().await;
    let student = scene.school.student("Ihaia", None).await;
    scene.send(1).await;
    scene.resend.will([Mood::Says(409, "invalid_idempotent_request", None)]);
    assert_eq!(scene.deliver().await, None);
    let unconfirmed = scene.email(&student.enrolment).await;
    assert_eq!(unconfirmed["status"], "unconfirmed", "{unconfirmed}");
    assert_eq!(scene.retry(&scene.school.admin, &unconfirmed["message_id"]).await.status, 200);
    for _ in 0..2 {
        assert_eq!(scene.deliver().await, None);
    }
    assert_eq!(scene.email(&student.enrolment).await["status"], "sent");
    scene.everything_went_once(1).await;
    let sent = scene.retry(&scene.school.admin, &unconfirmed["message_id"]).await;
    assert_eq!(sent.status, 409, "{}", sent.text);
}

#[tokio::test]
async fn there_is_nothing_to_send_again_where_there_is_no_such_message() {
    let scene = Scene::open().await;
    let unknown: Value = json!(uuid::Uuid::new_v4());
    assert_eq!(scene.retry(&scene.school.admin, &unknown).await.status, 404);
    assert_eq!(scene.retry(&scene.school.admin, &json!("seven")).await.status, 404);
}
