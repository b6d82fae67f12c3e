//! Files, where nobody has said how to deliver.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::scene::{Scene, mailer, settings};

#[tokio::test]
async fn without_a_provider_each_message_is_a_file_named_by_its_id() {
    let mut scene = Scene::with(|settings| {
        settings.resend_api_key = None;
        settings.from = None;
        settings.public_url = Some("https://ako.example.org".to_owned());
    })
    .await;
    let student = scene.school.student_of_old("Zoë \"<b>陈</b>\"\r\nBcc: eve@example.org").await;
    scene.school.students(2).await;
    let directory = scene.folder.path().join("emails");
    assert!(!directory.exists(), "nothing is made before there is something in it");
    scene.send(1).await;
    assert_eq!(scene.deliver().await, None);
    let files: Vec<_> = fs::read_dir(&directory).expect("a folder").map(|f| f.expect("a file").path()).collect();
    assert_eq!(files.len(), 3, "{files:?}");
    let id = scene.email(&student.enrolment).await["message_id"].as_str().expect("an id").to_owned();
    let file = directory.join(format!("{id}.eml"));
    let source = fs::read_to_string(&file).expect("the message");
    let (head, _) = source.split_once("\r\n\r\n").expect("headers");
    assert!(!head.contains("\r\nBcc:") && head.contains(&format!("Message-ID: <{id}@")), "{head}");
    assert!(source.contains("https://ako.example.org/"), "{source}");
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    assert_eq!(scene.resend.requests().len(), 0);
}

#[tokio::test]
async fn what_was_under_way_when_somebody_chose_another_way_is_not_sent_twice() {
    let mut scene = Scene::open().await;
    let student = scene.school.student("Rewi", None).await;
    scene.send(1).await;
    scene.resend.will([super::fake_resend::Mood::TakesAndDrops]);
    let next = scene.deliver().await.expect("it would be tried again");
    let mut files = settings(&scene.resend, &scene.folder);
    files.resend_api_key = None;
    std::mem::replace(&mut scene.mailer, mailer(&scene.school.service, &files)).close().await;
    scene.at(next);
    scene.takes_over().await;
    assert_eq!(scene.deliver().await, None);
    assert_eq!(scene.email(&student.enrolment).await["status"], json!("unconfirmed"));
    assert!(!scene.folder.path().join("emails").exists());
    scene.everything_went_once(1).await;
}
