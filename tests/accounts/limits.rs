//! What holds up whoever guesses: after so many failures nothing is looked at any more, and the own device of whom they guess at
//! stays open.

use reqwest::Method;
use serde_json::json;

use super::{ANOTHER, PASSWORD, cookie, email_of, lets_in, post, refused, signs_in};
use crate::harness::{Answer, Service, answer};
use crate::school::School;

/// Signs in from an address, as a proxy tells of it, and on a device.
async fn from(service: &Service, address: &str, device: Option<&str>, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    let mut request = service.request(Method::POST, "", "/v1/sign-in").header("x-forwarded-for", address).json(&body);
    if let Some(device) = device {
        request = request.header("cookie", format!("__Host-rollbook-device={device}"));
    }
    answer(request).await
}

#[tokio::test]
async fn an_address_that_fails_too_often_waits_and_others_do_not() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    for _ in 0..10 {
        assert_eq!(refused(&from(service, "203.0.113.1", None, &email, ANOTHER).await), (401, "sign_in_refused"));
    }
    let late = from(service, "203.0.113.1", None, &email, PASSWORD).await;
    assert_eq!(refused(&late), (429, "too_many_attempts"), "also with the right one");
    assert_eq!(late.headers["retry-after"], "901");
    assert_eq!(from(service, "203.0.113.2", None, &email, PASSWORD).await.status, 200, "elsewhere");
    // An address that nobody has is counted like one that somebody has.
    for _ in 0..10 {
        from(service, "203.0.113.3", None, "nobody@example.org", ANOTHER).await;
    }
    let nobody = from(service, "203.0.113.3", None, "nobody@example.org", ANOTHER).await;
    assert_eq!(refused(&nobody), (429, "too_many_attempts"));
    service.now("2026-02-01T00:15:00Z");
    assert_eq!(from(service, "203.0.113.1", None, &email, PASSWORD).await.status, 200, "afterwards");
}

#[tokio::test]
async fn strangers_lock_nobody_out_of_their_own_device() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let own = cookie(&signs_in(service, &email, PASSWORD).await, "__Host-rollbook-device").expect("a device");
    for nth in 0..100 {
        let address = format!("203.0.113.{}", nth / 5);
        assert_eq!(refused(&from(service, &address, None, &email, ANOTHER).await), (401, "sign_in_refused"), "{nth}");
    }
    for device in [None, Some("made-up"), Some(&*"x".repeat(2_000))] {
        let stranger = from(service, "198.51.100.1", device, &email, PASSWORD).await;
        assert_eq!(refused(&stranger), (429, "too_many_attempts"));
    }
    assert_eq!(from(service, "203.0.113.1", Some(&own), &email, PASSWORD).await.status, 200);
    // It is one person's own: at somebody else's account it is a stranger.
    let other = school.person("Ben").await;
    lets_in(service, &other).await;
    let other = email_of(service, &other).await;
    for _ in 0..10 {
        from(service, "198.51.100.2", Some(&own), &other, ANOTHER).await;
    }
    assert_eq!(from(service, "198.51.100.2", Some(&own), &other, PASSWORD).await.status, 429);
    // Of the burst the log has the first.
    let head = service.executor.store().head().await.expect("the head");
    let failed = service.items(&school.owner, &format!("/v1/audit?person_id={person}&action=sign_in_failed")).await;
    assert_eq!(failed.len(), 3, "{head}");
}

#[tokio::test]
async fn whoever_found_an_open_session_guesses_no_further_than_others() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let session = lets_in(service, &person).await;
    let guess = json!({"current": ANOTHER, "new": "a password of mine"});
    for _ in 0..10 {
        assert_eq!(refused(&post(service, &session, "/v1/me/password", guess.clone()).await), (403, "wrong_password"));
    }
    let late = post(service, &session, "/v1/me/password", guess).await;
    assert_eq!(refused(&late), (429, "too_many_attempts"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_guesses_leaves_room_for_whoever_is_signed_in() {
    let school = School::open().await;
    let service = &school.service;
    let flood = futures::future::join_all((0..300).map(|nth| async move {
        let address = format!("198.51.{}.{}", nth / 200, nth % 200);
        let email = format!("nobody{nth}@example.org");
        from(service, &address, None, &email, ANOTHER).await.status
    }));
    let signed_in = async {
        for _ in 0..20 {
            assert_eq!(service.ask(&school.owner, "/v1/me").await.status, 200);
        }
    };
    let (statuses, ()) = tokio::join!(flood, signed_in);
    assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503), "whoever finds the queue full is sent away, and not kept waiting");
    assert!(statuses.contains(&401));
}
