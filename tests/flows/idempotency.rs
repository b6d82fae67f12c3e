//! The same key twice, also at once, also after a restart: one effect, the same receipt.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Service, answer};
use crate::school::School;

async fn with_key(service: &Service, token: &str, key: &str, command: &str, body: &Value) -> Answer {
    let request = service.request(Method::POST, token, &format!("/v1/commands/{command}"));
    answer(request.header("Idempotency-Key", key).json(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_key_has_one_effect_and_one_receipt() {
    let school = School::open().await;
    let students = school.students(3).await;
    let hold = json!([{"enrolment_id": students[0].enrolment, "reason": "Asked to stay."}]);
    let body = json!({"cohort_id": school.cohort, "to_week": 2, "hold": hold});
    let key = Uuid::new_v4().to_string();
    let before = school.service.executor.store().head().await.expect("the head");

    let at_once =
        join_all((0..12).map(|_| with_key(&school.service, &school.owner, &key, "AdvanceCohort", &body))).await;
    let receipt = at_once[0].json.clone();
    assert_eq!(receipt["command_id"], json!(key));
    assert_eq!(receipt["events"].as_array().expect("events").len(), 3);
    for answer in &at_once {
        assert_eq!((answer.status, &answer.json), (200, &receipt), "{}", answer.text);
    }
    assert_eq!(school.service.executor.store().head().await.expect("the head"), before + 3);

    // Whatever has happened since, the key stands for what it did.
    school.in_cohort("AdvanceCohort", json!({"to_week": 3})).await;
    let owner = school.owner.clone();
    let service = school.service.restart().await;
    let again = with_key(&service, &owner, &key, "AdvanceCohort", &body).await;
    assert_eq!((again.status, &again.json), (200, &receipt), "{}", again.text);

    let mut other = body.clone();
    other["to_week"] = json!(4);
    let reused = with_key(&service, &owner, &key, "AdvanceCohort", &other).await;
    assert_eq!((reused.status, &reused.json["code"]), (422, &json!("idempotency_key_reused")), "{}", reused.text);
    let somebody_else = with_key(&service, &school.admin, &key, "AdvanceCohort", &body).await;
    assert_eq!(somebody_else.status, 422, "a receipt is its sender's: {}", somebody_else.text);
    let wrong = with_key(&service, &owner, "not-a-uuid", "AdvanceCohort", &body).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn a_creating_command_sent_twice_creates_once() {
    let school = School::open().await;
    let key = Uuid::new_v4().to_string();
    let body = json!({"name": "Hine", "email": "hine@example.org"});
    let first = with_key(&school.service, &school.owner, &key, "RegisterPerson", &body).await;
    let second = with_key(&school.service, &school.owner, &key, "RegisterPerson", &body).await;
    assert_eq!((first.status, &first.json), (200, &second.json));
    let anew = school.service.send(&school.owner, "RegisterPerson", body).await;
    assert_eq!((anew.status, &anew.json["code"]), (409, &json!("email_taken")));
}

#[tokio::test]
async fn a_command_that_changes_nothing_says_so_and_keeps_its_receipt() {
    let school = School::open().await;
    let student = school.student("Hine", Some(&school.north)).await;
    let key = Uuid::new_v4().to_string();
    let join = json!({"enrolment_id": student.enrolment, "hub_id": school.north});
    let already = with_key(&school.service, &school.owner, &key, "JoinHub", &join).await;
    assert_eq!((already.status, &already.json["events"]), (200, &json!([])), "{}", already.text);
    assert_eq!(already.json["streams"][0]["id"], json!(student.enrolment));
    // Were it decided again now, it would move the student back.
    school.command("JoinHub", json!({"enrolment_id": student.enrolment, "hub_id": school.south})).await;
    let again = with_key(&school.service, &school.owner, &key, "JoinHub", &join).await;
    assert_eq!(again.json, already.json);
    assert_eq!(school.row(&student).await["hub_id"], json!(school.south));
}

#[tokio::test]
async fn if_match_holds_or_refuses_at_once() {
    let school = School::open().await;
    let student = school.student("Hine", Some(&school.north)).await;
    let hold = json!({"enrolment_id": student.enrolment, "reason": "Asked to stay."});
    let send = async |version: &str| {
        let request = school.service.request(Method::POST, &school.owner, "/v1/commands/HoldStudent");
        answer(request.header("If-Match", version).json(&hold)).await
    };
    let stale = send("\"7\"").await;
    assert_eq!((stale.status, &stale.json["code"]), (412, &json!("version_mismatch")), "{}", stale.text);
    assert_eq!(send("seven").await.status, 400);
    let fits = send("\"1\"").await;
    assert_eq!((fits.status, &fits.json["streams"][0]["version"]), (200, &json!(2)), "{}", fits.text);

    // Whoever may not ask is not told the version; whoever may is told it before any rule (the student is held now).
    let advance = json!({"enrolment_id": student.enrolment, "to_week": 2});
    let stale = async |token: &str| {
        let request = school.service.request(Method::POST, token, "/v1/commands/AdvanceStudent");
        answer(request.header("If-Match", "\"7\"").json(&advance)).await
    };
    assert_eq!(stale(&school.marker).await.status, 403);
    assert_eq!(stale(&school.owner).await.status, 412);
}

#[tokio::test]
async fn a_receipt_is_given_again_to_whoever_may_still_do_what_it_says() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Former Admin").await;
    let role = json!({"person_id": person, "role": "admin"});
    school.command("GrantRole", role.clone()).await;
    let (key, body) = (Uuid::new_v4().to_string(), json!({"name": "Eastland"}));
    let admin = service.token(&person).await;
    let founded = with_key(service, &admin, &key, "FoundHub", &body).await;
    assert_eq!(founded.status, 200, "{}", founded.text);
    assert_eq!(with_key(service, &admin, &key, "FoundHub", &body).await.json, founded.json);
    school.command("RevokeRole", role).await;
    for sent in [&body, &json!({"name": "Another"})] {
        for used in [&key, &Uuid::new_v4().to_string()] {
            let refused = with_key(service, &admin, used, "FoundHub", sent).await;
            assert_eq!((refused.status, &refused.json["code"]), (403, &json!("not_allowed")), "{}", refused.text);
        }
    }
    assert_eq!(with_key(service, &school.owner, &key, "FoundHub", &body).await.status, 422, "whose it is not");
}
