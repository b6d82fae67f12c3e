//! Letters that tell people what has happened to their account: each once, to whoever has an account, and with no secret in it.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    ANOTHER, PASSWORD, accepts, comes_to, cookie, email_of, invited, lets_in, letter, post, refused, signs_in,
};
use crate::emails::scene::Scene;
use crate::harness::answer;

/// A school whose letters lead somewhere.
async fn school() -> Scene {
    Scene::with(|settings| settings.public_url = Some("https://ako.example.org/".to_owned())).await
}

impl Scene {
    /// The subjects of the letters that have gone to an address, in the order of what they tell.
    async fn told(&mut self, email: &str) -> Vec<String> {
        self.deliver().await;
        let to = self.resend.taken().into_iter().filter(|taken| taken.to() == email);
        to.map(|taken| taken.message["subject"].as_str().expect("a subject").to_owned()).collect()
    }

    /// The texts of those letters.
    fn texts(&self, email: &str) -> Vec<String> {
        let to = self.resend.taken().into_iter().filter(|taken| taken.to() == email);
        to.map(|taken| taken.message["text"].as_str().expect("a text").to_owned()).collect()
    }
}

const SET: &str = "Your password was set";
const DEVICE: &str = "You signed in on a new device";
const KEY_MADE: &str = "An API key was made for you";
const ROLE_GIVEN: &str = "You were given a role";
const ADDRESS: &str = "Your address was changed";
const FAILED: &str = "Many attempts to sign in as you have failed";

/// The body of a request for a key.
fn key() -> Value {
    json!({"name": "Table", "scope": "read", "expires_at": "2026-03-01T00:00:00Z", "password": PASSWORD})
}

#[tokio::test]
async fn people_are_told_what_happens_to_their_account_once_and_nothing_secret() {
    let mut scene = school().await;
    let anna = scene.school.person("Anna").await;
    let email = email_of(&scene.school.service, &anna).await;
    let secret = invited(&scene.school.service, &anna).await;
    let token = accepts(&scene.school.service, &secret, PASSWORD).await.json["token"].clone();
    let token = token.as_str().expect("a token").to_owned();
    assert_eq!(scene.told(&email).await, [SET], "of the device that a link was used on, the same letter tells");

    let made = post(&scene.school.service, &token, "/v1/me/api-keys", key()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.json["key_id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/me/api-keys/{id}");
    assert_eq!(answer(scene.school.service.request(Method::DELETE, &token, &path)).await.status, 204);
    scene.school.command("GrantRole", json!({"person_id": anna, "role": "admin"})).await;
    scene.school.command("RevokeRole", json!({"person_id": anna, "role": "admin"})).await;
    scene.school.command("EndAccess", json!({"person_id": anna})).await;
    assert_eq!(
        scene.told(&email).await,
        [
            SET,
            KEY_MADE,
            "An API key of yours was ended",
            ROLE_GIVEN,
            "A role of yours was taken away",
            "Your access was ended"
        ]
    );
    // A letter goes once, also where the tables are built anew.
    scene.school.service.projections.rebuild(Some("account_notices"), &mut |_| {}).await.expect("a rebuild");
    assert_eq!(scene.told(&email).await.len(), 6);

    for text in scene.texts(&email) {
        assert!(text.contains("Hello Anna,") && text.contains("2026 at 00:00 UTC"), "{text}");
        let links: Vec<_> = text.split_whitespace().filter(|word| word.starts_with("http")).collect();
        assert_eq!(links, ["https://ako.example.org/sign-in"], "{text}");
        let key = made.json["key"].as_str().expect("a key");
        for hidden in [key, &secret, &token, PASSWORD] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
    let granted = &scene.texts(&email)[3];
    assert!(granted.contains("by Ọlá Owner") && granted.contains("admin"), "{granted}");
}

#[tokio::test]
async fn whoever_signs_in_on_a_new_device_is_told_and_not_again_on_that_device() {
    let mut scene = school().await;
    let anna = scene.school.person("Anna").await;
    let email = email_of(&scene.school.service, &anna).await;
    lets_in(&scene.school.service, &anna).await;
    let first = signs_in(&scene.school.service, &email, PASSWORD).await;
    assert_eq!(scene.told(&email).await, [SET, DEVICE]);
    let device = cookie(&first, "__Host-rollbook-device").expect("a device");
    let body = json!({"email": email, "password": PASSWORD});
    let again = scene.school.service.request(Method::POST, "", "/v1/sign-in").json(&body);
    let again = answer(again.header("cookie", format!("__Host-rollbook-device={device}"))).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(scene.told(&email).await, [SET, DEVICE]);
    // Somebody else on that device is new on it.
    let ben = scene.school.person("Ben").await;
    lets_in(&scene.school.service, &ben).await;
    let body = json!({"email": email_of(&scene.school.service, &ben).await, "password": PASSWORD});
    let other = scene.school.service.request(Method::POST, "", "/v1/sign-in").json(&body);
    assert_eq!(answer(other.header("cookie", format!("__Host-rollbook-device={device}"))).await.status, 200);
    let to_ben = email_of(&scene.school.service, &ben).await;
    assert_eq!(scene.told(&to_ben).await, [SET, DEVICE]);
}

#[tokio::test]
async fn another_address_is_told_to_the_one_before_as_well() {
    let mut scene = school().await;
    let anna = scene.school.person("Anna").await;
    let before = email_of(&scene.school.service, &anna).await;
    lets_in(&scene.school.service, &anna).await;
    scene.school.command("CorrectPerson", json!({"person_id": anna, "email": "anna@elsewhere.example"})).await;
    assert_eq!(scene.told("anna@elsewhere.example").await, [SET, ADDRESS]);
    assert_eq!(scene.told(&before).await, [ADDRESS]);
    // To whoever has the address before, the new one is none of theirs to know.
    assert!(!scene.texts(&before)[0].contains("elsewhere.example"), "{}", scene.texts(&before)[0]);
}

#[tokio::test]
async fn who_has_no_account_is_told_nothing() {
    let mut scene = school().await;
    let anna = scene.school.person("Anna").await;
    let before = email_of(&scene.school.service, &anna).await;
    scene.school.command("CorrectPerson", json!({"person_id": anna, "email": "anna@elsewhere.example"})).await;
    scene.school.command("GrantRole", json!({"person_id": anna, "role": "admin"})).await;
    assert_eq!(scene.told("anna@elsewhere.example").await, [""; 0]);
    assert_eq!(scene.told(&before).await, [""; 0]);
    scene.school.command("DeactivatePerson", json!({"person_id": anna, "reason": "has left"})).await;
    assert_eq!(scene.told("anna@elsewhere.example").await, [""; 0]);
}

#[tokio::test]
async fn the_victim_of_many_failures_is_told_once_a_day() {
    let mut scene = school().await;
    let anna = scene.school.person("Anna").await;
    let email = email_of(&scene.school.service, &anna).await;
    lets_in(&scene.school.service, &anna).await;
    assert_eq!(scene.told(&email).await, [SET]);
    for (hours, events, expected) in [(0, 4, 1), (11, 3, 1), (13, 4, 2)] {
        scene.at(scene.school.service.clock.now() + TimeDelta::hours(hours));
        let head = scene.school.service.executor.store().head().await.expect("a position");
        for _ in 0..10 {
            assert_eq!(signs_in(&scene.school.service, &email, ANOTHER).await.status, 401);
        }
        // They are written beside the answers.
        comes_to(&scene.school.service, head + events).await;
        let told = scene.told(&email).await;
        assert_eq!(told.iter().filter(|subject| *subject == FAILED).count(), expected, "{told:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_counts_wherever_it_is_asked_for() {
    let mut scene = school().await;
    let anna = scene.school.person("Anna").await;
    let email = email_of(&scene.school.service, &anna).await;
    let session = lets_in(&scene.school.service, &anna).await;
    let service = &scene.school.service;
    let head = service.executor.store().head().await.expect("a position");
    let mut guess = key();
    guess["password"] = json!(ANOTHER);
    let change = json!({"current": ANOTHER, "new": "a password of mine"});
    for _ in 0..4 {
        assert_eq!(signs_in(service, &email, ANOTHER).await.status, 401);
    }
    for _ in 0..3 {
        assert_eq!(refused(&post(service, &session, "/v1/me/api-keys", guess.clone()).await), (403, "wrong_password"));
        assert_eq!(refused(&post(service, &session, "/v1/me/password", change.clone()).await), (403, "wrong_password"));
    }
    // The log has three of the failures to sign in, and that there were ten in all.
    comes_to(service, head + 4).await;
    let told = scene.told(&email).await;
    assert_eq!(told.iter().filter(|subject| *subject == FAILED).count(), 1, "{told:?}");
}

#[tokio::test]
async fn nobody_is_sent_more_than_three_letters_of_a_kind_a_day_and_the_last_says_so() {
    let mut scene = school().await;
    let anna = scene.school.person("Anna").await;
    let email = email_of(&scene.school.service, &anna).await;
    lets_in(&scene.school.service, &anna).await;
    for _ in 0..5 {
        assert_eq!(signs_in(&scene.school.service, &email, PASSWORD).await.status, 200);
    }
    assert_eq!(scene.told(&email).await, [SET, DEVICE, DEVICE, DEVICE]);
    assert!(scene.texts(&email)[3].contains("no more letters of this kind"), "{}", scene.texts(&email)[3]);
    // One kind keeps no other out.
    scene.school.command("GrantRole", json!({"person_id": anna, "role": "admin"})).await;
    assert_eq!(scene.told(&email).await, [SET, DEVICE, DEVICE, DEVICE, ROLE_GIVEN]);
    scene.at(scene.school.service.clock.now() + TimeDelta::hours(25));
    let secret = letter(&scene.school.service, &anna).await;
    assert_eq!(accepts(&scene.school.service, &secret, PASSWORD).await.status, 200);
    assert_eq!(signs_in(&scene.school.service, &email, PASSWORD).await.status, 200);
    assert_eq!(scene.told(&email).await.len(), 7);
}

#[tokio::test]
async fn where_no_mail_is_configured_nobody_is_told_and_no_file_is_written() {
    let mut scene = Scene::with(|settings| (settings.resend_api_key, settings.resend_url) = (None, None)).await;
    let anna = scene.school.person("Anna").await;
    lets_in(&scene.school.service, &anna).await;
    scene.deliver().await;
    assert!(!scene.folder.path().join("emails").exists());
}
