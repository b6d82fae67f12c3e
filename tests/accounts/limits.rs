//! What holds up whoever guesses: after so many failures nothing is looked at any more, and the own device of whom they guess at
//! stays open.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::{ANOTHER, PASSWORD, accepts, audit, cookie, email_of, lets_in, post, refused, signs_in};
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
        let stranger = from(service, "203.0.113.1", device, &email, PASSWORD).await;
        assert_eq!(refused(&stranger), (429, "too_many_attempts"), "whoever has failed waits");
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

/// A person of a site who has a password: their id and their session's token.
async fn with_password(service: &Service, email: &str) -> (String, String) {
    let registered = json!({"name": "Somebody", "email": email});
    let person = service.create(&service.owner, "RegisterPerson", registered).await;
    let invited = post(service, &service.owner, &format!("/v1/people/{person}/invitation"), json!({})).await;
    let (_, secret) = invited.json["link"].as_str().and_then(|link| link.split_once('#')).expect("a link");
    let session = accepts(service, secret, PASSWORD).await.json["token"].as_str().expect("a token").to_owned();
    (person, session)
}

/// Changes a password.
async fn change(service: &Service, session: &str, current: &str, new: &str) -> Answer {
    post(service, session, "/v1/me/password", json!({"current": current, "new": new})).await
}

/// How often the log has that a person changed their password.
async fn changes(service: &Service, person: &str) -> usize {
    audit(service, person)
        .await
        .iter()
        .filter(|(action, why)| action == "password_set" && why == "by whoever knew the one before")
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_school_keeps_no_other_from_signing_in() {
    let here = &Service::with_super_admin("2026-02-01T00:00:00Z").await;
    let north = &here.site("north").await;
    let (_, session) = with_password(here, "anahera@example.org").await;
    with_password(north, "ben@north.example.org").await;
    // With one account, and with any number of them from anywhere.
    let session = &session;
    let changing = join_all(
        (0..24).map(|nth| async move { change(here, session, PASSWORD, &format!("{ANOTHER} {nth}")).await.status }),
    );
    let guessing = join_all((0..200).map(|nth| async move {
        let email = format!("nobody{nth}@example.org");
        from(here, &format!("198.51.100.{nth}"), None, &email, ANOTHER).await.status
    }));
    let signing_in = async {
        for nth in 0..10 {
            let answer = from(north, "203.0.113.1", None, "ben@north.example.org", PASSWORD).await;
            assert_eq!(answer.status, 200, "{nth}: {}", answer.text);
        }
    };
    let (changed, guessed, ()) = tokio::join!(changing, guessing, signing_in);
    assert!(guessed.iter().all(|status| [401, 503].contains(status)), "{guessed:?}");
    assert!(changed.iter().all(|status| [204, 409, 429, 503].contains(status)), "{changed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_at_once_few_are_looked_at_and_one_is_made() {
    let service = &Service::start("2026-02-01T00:00:00Z").await;
    let (person, session) = with_password(service, "anahera@example.org").await;
    let (passwords, session) = ((0..24).map(|nth| format!("{ANOTHER} {nth}")).collect::<Vec<_>>(), &session);
    let answers = join_all(passwords.iter().map(|new| change(service, session, PASSWORD, new))).await;
    let mut changed = Vec::new();
    for (answer, new) in answers.iter().zip(&passwords) {
        match answer.status {
            204 => changed.push(new),
            // Whoever is late is told so, and not that the right password was wrong.
            _ => assert!(
                [(409, "password_changed_meanwhile"), (429, "password_changed_recently"), (429, "too_many_requests")]
                    .contains(&refused(answer)),
                "{}",
                answer.text
            ),
        }
    }
    assert_eq!((changed.len(), changes(service, &person).await), (1, 1));
    assert_eq!(signs_in(service, "anahera@example.org", changed[0]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_the_changes_that_were_made_and_no_other() {
    let service = &Service::start("2026-02-01T00:00:00Z").await;
    let elsewhere = &Service::on_the_database_of(service).await;
    let (person, session) = with_password(service, "anahera@example.org").await;
    let (mut current, mut made) = (PASSWORD.to_owned(), 0);
    for round in 0..8 {
        service.now(&format!("2026-02-01T00:{:02}:00Z", 2 * round + 1));
        let [one, other] = [format!("{ANOTHER} {round}"), format!("{PASSWORD} {round}")];
        let (first, second) =
            tokio::join!(change(service, &session, &current, &one), change(elsewhere, &session, &current, &other));
        let done = [(first.status, one), (second.status, other)];
        let done: Vec<_> = done.into_iter().filter(|(status, _)| *status == 204).collect();
        assert_eq!(done.len(), 1, "{} {}", first.text, second.text);
        (current, made) = (done[0].1.clone(), made + 1);
        assert_eq!(changes(service, &person).await, made, "round {round}");
    }
}

#[tokio::test]
async fn a_password_that_stays_as_it_is_makes_no_work_and_one_that_was_changed_rests() {
    let service = &Service::start("2026-02-01T00:00:00Z").await;
    let (person, session) = with_password(service, "anahera@example.org").await;
    for _ in 0..12 {
        // Also where it is not the present one: nothing is looked at, and nothing is counted.
        let same = change(service, &session, ANOTHER, ANOTHER).await;
        assert_eq!((refused(&same), &same.json["errors"][0]["pointer"]), ((422, "invalid_fields"), &json!("/new")));
    }
    assert_eq!(change(service, &session, PASSWORD, ANOTHER).await.status, 204);
    let soon = change(service, &session, ANOTHER, PASSWORD).await;
    assert_eq!(refused(&soon), (429, "password_changed_recently"));
    assert_eq!(soon.headers["retry-after"], "61");
    assert_eq!(changes(service, &person).await, 1);
    service.now("2026-02-01T00:01:00Z");
    assert_eq!(change(service, &session, ANOTHER, PASSWORD).await.status, 204);
}

#[tokio::test]
async fn an_address_that_fails_often_keeps_nobody_out_who_is_right() {
    let here = &Service::with_super_admin("2026-02-01T00:00:00Z").await;
    let north = &here.site("north").await;
    with_password(here, "anahera@example.org").await;
    with_password(north, "ben@north.example.org").await;
    for nth in 0..60 {
        let email = format!("nobody{}@example.org", nth / 2);
        assert_eq!(refused(&from(here, "203.0.113.1", None, &email, ANOTHER).await), (401, "sign_in_refused"), "{nth}");
    }
    let guess = async |service, email, password| from(service, "203.0.113.1", None, email, password).await;
    assert_eq!(guess(here, "anahera@example.org", PASSWORD).await.status, 200, "at the same school");
    // It guesses at each account less often than others do, and at another school as often as anybody.
    for (service, email, times) in [(here, "anahera@example.org", 2), (north, "ben@north.example.org", 10)] {
        for nth in 0..times {
            assert_eq!(guess(service, email, ANOTHER).await.status, 401, "{nth} of {times}");
        }
        assert_eq!(refused(&guess(service, email, PASSWORD).await), (429, "too_many_attempts"));
    }
    assert_eq!(from(here, "203.0.113.2", None, "anahera@example.org", PASSWORD).await.status, 200, "elsewhere");
}

#[tokio::test]
async fn an_account_that_strangers_fail_at_is_open_to_its_owner_from_where_nobody_has_failed() {
    let service = &Service::start("2026-02-01T00:00:00Z").await;
    with_password(service, "anahera@example.org").await;
    let try_from = async |address: &str, password| from(service, address, None, "anahera@example.org", password).await;
    for nth in 0..100 {
        let address = format!("203.0.113.{}", nth / 5);
        assert_eq!(try_from(&address, ANOTHER).await.status, 401, "{nth}");
    }
    let waits = try_from("203.0.113.1", PASSWORD).await;
    assert_eq!(refused(&waits), (429, "too_many_attempts"), "whoever has failed waits");
    assert_eq!(waits.headers["retry-after"], "3601");
    for nth in 0..3 {
        assert_eq!(try_from("198.51.100.1", PASSWORD).await.status, 200, "{nth}");
    }
    // What fails from anywhere fails once a minute.
    assert_eq!(try_from("198.51.100.2", ANOTHER).await.status, 401);
    let soon = try_from("198.51.100.1", PASSWORD).await;
    assert_eq!(refused(&soon), (429, "too_many_attempts"));
    assert_eq!(soon.headers["retry-after"], "61");
    service.now("2026-02-01T00:01:00Z");
    assert_eq!(try_from("198.51.100.2", PASSWORD).await.status, 429, "it has failed");
    assert_eq!(try_from("198.51.100.1", PASSWORD).await.status, 200);
}
