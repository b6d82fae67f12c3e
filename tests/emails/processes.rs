//! Several that deliver for one database: one does, and another one when it is gone; and what a process refuses to start with.

use rollbook_mail::{Mailing, Round};

use super::fake_resend::KEY;
use super::scene::{FROM, Scene, deliver, takes_over};
use crate::binary::program::Home;

#[tokio::test]
async fn one_delivers_at_a_time_and_another_one_when_it_is_gone() {
    let mut scene = Scene::open().await;
    let mut other = scene.another();
    scene.deliver().await;
    assert_eq!(other.round().await.expect("a round"), Round::NotLeader);
    scene.school.students(3).await;
    scene.send(1).await;
    assert_eq!(other.round().await.expect("a round"), Round::NotLeader);
    assert_eq!(scene.resend.requests().len(), 0);
    let gone = scene.another();
    std::mem::replace(&mut scene.mailer, gone).close().await;
    takes_over(&mut other).await;
    assert_eq!(deliver(&mut other).await, None);
    scene.everything_went_once(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_wake_up_by_themselves_and_send_each_message_once() {
    let scene = Scene::open().await;
    let running = [scene.another(), scene.another(), scene.another()].map(Mailing::start);
    scene.school.students(120).await;
    scene.send(1).await;
    scene.resend.has_had(2).await;
    for student in scene.school.students(2).await {
        scene
            .school
            .command("AdvanceStudent", serde_json::json!({"enrolment_id": student.enrolment, "to_week": 2}))
            .await;
    }
    scene.send(2).await;
    scene.resend.has_had(3).await;
    for mailing in running {
        mailing.stop().await;
    }
    assert_eq!(scene.statuses().await, [("sent".to_owned(), 122)]);
    scene.everything_went_once(122).await;
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused_at_the_start() {
    let home = Home::new();
    let smtp = "smtps://me:topsecret@mail.example.org";
    for (set, reason) in [
        (vec![("RESEND_API_KEY", KEY)], "ROLLBOOK_EMAIL_FROM is missing"),
        (vec![("RESEND_API_KEY", KEY), ("ROLLBOOK_SMTP_URL", smtp), ("ROLLBOOK_EMAIL_FROM", FROM)], "both set"),
        (vec![("ROLLBOOK_SMTP_URL", "me:topsecret@mail"), ("ROLLBOOK_EMAIL_FROM", FROM)], "ROLLBOOK_SMTP_URL cannot"),
        (vec![("ROLLBOOK_EMAIL_FROM", "nobody")], "ROLLBOOK_EMAIL_FROM cannot be read"),
    ] {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        let failed = home.start(command.envs(set)).finish().failed();
        assert!(failed.contains(reason), "{failed}");
        assert!(!failed.contains("topsecret") && !failed.contains(KEY), "{failed}");
    }
    assert!(!home.data.exists(), "nothing was started");
}
