//! Which passwords are taken, at every door at which one is set: the same, and the refusal says why and what would be.

use reqwest::Method;
use serde_json::json;

use super::{ANOTHER, PASSWORD, accepts, lets_in, letter, post, refused};
use crate::harness::{Service, answer};

/// What somebody would guess of Anna of School north, and a part of why.
const GUESSED: [(&str, &str); 5] = [
    ("Winter2026!", "stolen"),
    ("northschool1", "your school"),
    ("School North", "your school"),
    ("anna.rangi22", "your name"),
    ("qwertyuiop", "keyboard"),
];

#[tokio::test]
async fn a_password_that_others_would_guess_is_refused_at_every_door() {
    let service = Service::with_super_admin("2026-02-01T00:00:00Z").await;
    let north = service.site("north").await;
    let person = json!({"name": "Anna Rangi", "email": "anna@example.org"});
    let person = north.create(&north.owner, "RegisterPerson", person).await;
    let link =
        answer(north.request(Method::POST, &north.owner, &format!("/v1/people/{person}/invitation")).json(&json!({})));
    let link = link.await.json["link"].as_str().expect("a link").to_owned();
    let (_, secret) = link.split_once('#').expect("a fragment");
    for (guessed, why) in GUESSED {
        let by_link = accepts(&north, secret, guessed).await;
        assert_eq!(refused(&by_link), (422, "invalid_fields"), "{guessed}");
        let said = &by_link.json["errors"][0];
        assert_eq!(said["pointer"], "/password");
        let detail = said["detail"].as_str().expect("a reason");
        assert!(detail.contains(why) && detail.contains("four words") && !detail.contains(guessed), "{detail}");
        let page = north.request(Method::POST, "", "/invitation").header("origin", &north.url);
        let page =
            page.header("sec-fetch-site", "same-origin").header("content-type", "application/x-www-form-urlencoded");
        let fields = format!("secret={secret}&password={}", guessed.replace(' ', "+"));
        let page = answer(page.body(fields)).await;
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(!page.text.contains(guessed), "{}", page.text);
    }
    // The link is still there for a better one.
    let accepted = accepts(&north, secret, PASSWORD).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text);
    let session = accepted.json["token"].as_str().expect("a token");
    for (guessed, why) in GUESSED {
        let changed = post(&north, session, "/v1/me/password", json!({"current": PASSWORD, "new": guessed})).await;
        assert_eq!(refused(&changed), (422, "invalid_fields"), "{guessed}");
        assert!(changed.json["errors"][0]["detail"].as_str().expect("a reason").contains(why), "{}", changed.text);
    }
    let changed = post(&north, session, "/v1/me/password", json!({"current": PASSWORD, "new": ANOTHER})).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    // What everybody knows of one school is another's to choose.
    let anna =
        service.create(&service.owner, "RegisterPerson", json!({"name": "Ben", "email": "ben@example.org"})).await;
    lets_in(&service, &anna).await;
    let secret = letter(&service, &anna).await;
    assert_eq!(accepts(&service, &secret, "School North").await.status, 200);
}
