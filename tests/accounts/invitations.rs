//! Links by which people set a password: good once, for a while, and for whom they were made.

use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::{ANOTHER, PASSWORD, accepts, email_of, invited, letter, post, refused, signs_in};
use crate::school::School;

#[tokio::test]
async fn a_link_is_good_once_also_when_several_use_it_at_once() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let secret = invited(service, &person).await;
    let answers = join_all((0..4).map(|_| accepts(service, &secret, PASSWORD))).await;
    let let_in = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(let_in, 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let late = [(409, "invitation_gone"), (429, "too_many_requests")];
        assert!(late.contains(&refused(answer)), "{}", answer.text);
    }
    assert_eq!(refused(&accepts(service, &secret, ANOTHER).await), (409, "invitation_gone"));
    let set = service.items(&service.owner, &format!("/v1/audit?person_id={person}&action=password_set")).await;
    assert_eq!(set.len(), 1, "the log is told once");
    assert_eq!(signs_in(service, &email_of(service, &person).await, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_link_runs_out_and_gives_way_to_a_newer_one() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let older = invited(service, &person).await;
    let newer = invited(service, &person).await;
    assert_eq!(refused(&accepts(service, &older, PASSWORD).await), (409, "invitation_gone"));
    service.now("2026-02-07T23:59:59Z");
    assert_eq!(refused(&accepts(service, &newer, "short").await), (422, "invalid_fields"));
    service.now("2026-02-08T00:00:00Z");
    assert_eq!(refused(&accepts(service, &newer, PASSWORD).await), (409, "invitation_gone"));
    assert_eq!(refused(&accepts(service, "made-up", PASSWORD).await), (409, "invitation_gone"));
    let last = invited(service, &person).await;
    school.command("DeactivatePerson", json!({"person_id": person, "reason": "has left"})).await;
    assert_eq!(refused(&accepts(service, &last, PASSWORD).await), (409, "invitation_gone"));
    school.command("ReactivatePerson", json!({"person_id": person})).await;
    assert_eq!(
        refused(&accepts(service, &last, PASSWORD).await),
        (409, "invitation_gone"),
        "it ended with what they could do"
    );
    assert_eq!(accepts(service, &invited(service, &person).await, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_password_that_somebody_would_guess_leaves_the_link_as_it_was() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera Ngata").await;
    let secret = invited(service, &person).await;
    for guessed in ["ninechars", "Anahera Ngata", &email_of(service, &person).await, "password123", &"x".repeat(257)] {
        let answer = accepts(service, &secret, guessed).await;
        assert_eq!(refused(&answer), (422, "invalid_fields"), "{guessed}");
        assert_eq!(answer.json["errors"][0]["pointer"], "/password");
        assert!(!answer.json["detail"].as_str().expect("a detail").contains(guessed), "{}", answer.text);
    }
    assert_eq!(accepts(service, &secret, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_link_ends_the_sessions_of_the_password_before() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let before = super::lets_in(service, &person).await;
    let answer = accepts(service, &letter(service, &person).await, ANOTHER).await;
    assert_eq!(service.ask(&before, "/v1/me").await.status, 401);
    assert_eq!(service.ask(answer.json["token"].as_str().expect("a token"), "/v1/me").await.status, 200);
    let email = email_of(service, &person).await;
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 401);
    assert_eq!(signs_in(service, &email, ANOTHER).await.status, 200);
}

#[tokio::test]
async fn admins_invite_anybody_but_owners_and_others_nobody() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let people = service.items(&school.owner, "/v1/people").await;
    let owner = people.iter().find(|person| person["name"] == "Ọlá Owner").expect("the owner")["person_id"].clone();
    let owner = owner.as_str().expect("an id");
    let invite = async |token: &str, person: &str| {
        post(service, token, &format!("/v1/people/{person}/invitation"), json!({})).await
    };
    assert_eq!(invite(&school.admin, &person).await.status, 200);
    assert_eq!(refused(&invite(&school.admin, owner).await), (409, "owners_invitation"));
    assert_eq!(invite(&school.owner, owner).await.status, 200);
    for token in [&school.instructor, &school.coordinator, &school.marker] {
        assert_eq!(refused(&invite(token, &person).await), (403, "not_allowed"));
    }
    assert_eq!(refused(&invite("", &person).await), (401, "unauthenticated"));
    assert_eq!(refused(&invite(&school.owner, &Uuid::new_v4().to_string()).await), (404, "not_found"));
    school.command("DeactivatePerson", json!({"person_id": person, "reason": "has left"})).await;
    assert_eq!(refused(&invite(&school.owner, &person).await), (409, "account_inactive"));
}
