//! How far another system's word goes: in the schools that it is configured for, for people whose loss is one person's, and for owners
//! and admins only where it is privileged and they have linked it themselves.

use reqwest::Method;
use rollbook_oidc::{Kind, Sites};
use serde_json::{Value, json};

use super::fake_provider::Key;
use super::oidc::{ANNA, Scene};
use super::{PASSWORD, audit, cookie, lets_in, post, refused};
use crate::harness::{Answer, Service, answer};

async fn of_sites(sites: Sites) -> Scene {
    Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), sites, false).await
}

async fn privileged() -> Scene {
    Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), Sites::Every, true).await
}

impl Scene {
    /// A token of the system's, for one of its subjects with a verified address.
    fn word(&self, subject: &str, email: &str) -> String {
        self.fake.token(self.now(), &json!({"sub": subject, "email": email, "email_verified": true}))
    }

    /// Links a subject of the system to whoever has a session: there, and back with a session's cookie.
    pub async fn links(&self, session: &str, back_with: &str, subject: &str) -> Answer {
        self.says(json!({"sub": subject, "email": format!("{subject}@elsewhere.example")}));
        let begun = post(&self.service, session, LINK, json!({"password": PASSWORD})).await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        let flow = cookie(&begun, "__Host-rollbook-flow").expect("a cookie");
        let there = self.get(begun.json["url"].as_str().expect("an address"), None).await;
        let back = super::oidc::location(&there);
        let cookies = format!("__Host-rollbook-flow={flow}; __Host-rollbook={back_with}");
        answer(self.browser().get(&back).header("cookie", cookies)).await
    }

    /// Signs somebody in who has this address there.
    async fn enters(&self, subject: &str, email: &str) -> Answer {
        self.says(json!({"sub": subject, "email": email}));
        self.signs_in().await
    }
}

const LINK: &str = "/v1/sign-in/ako/link?next=/docs";

async fn grants(service: &Service, person: &str, role: &str) {
    service.command(&service.owner, "GrantRole", json!({"person_id": person, "role": role})).await;
}

async fn registers(service: &Service, email: &str) -> String {
    let registered = json!({"name": "Somebody", "email": email});
    service.create(&service.owner, "RegisterPerson", registered).await
}

#[tokio::test]
async fn a_system_vouches_in_its_schools_and_exists_in_no_other() {
    for (sites, here) in [
        (Sites::Named(["north".to_owned()].into()), ["north"].as_slice()),
        (Sites::Named(["default".to_owned()].into()), &["default"]),
        (Sites::Every, &["default", "north", "south"]),
    ] {
        let scene = of_sites(sites).await;
        let (north, south) = (scene.service.site("north").await, scene.service.site("south").await);
        for school in [&north, &south] {
            registers(school, ANNA).await;
        }
        for (slug, school) in [("default", &scene.service), ("north", &north), ("south", &south)] {
            let vouches = here.contains(&slug);
            let said = school.ask(&scene.word("subject 1", ANNA), "/v1/me").await;
            let page = school.ask("", "/sign-in").await;
            assert_eq!(page.text.contains("Sign in with Ako"), vouches, "{slug}");
            let request = scene.browser().get(format!("{}/v1/sign-in/ako", school.url));
            let host = format!("{slug}.example.org");
            let begin_authorization =
                answer(if slug == "default" { request } else { request.header("host", host) }).await;
            if vouches {
                assert_eq!((said.status, begin_authorization.status), (200, 303), "{slug}: {}", said.text);
            } else {
                assert_eq!(refused(&said), (401, "unauthenticated"), "{slug}");
                assert_eq!(said.json["detail"], "this token is unknown, expired or revoked");
                assert_eq!(refused(&begin_authorization), (404, "not_found"), "{slug}");
            }
        }
    }
}

#[tokio::test]
async fn who_has_much_to_lose_is_not_found_by_their_address() {
    for scene in [privileged().await, of_sites(Sites::Every).await] {
        let service = &scene.service;
        let north = service.site("north").await;
        for role in ["admin", "owner"] {
            let email = format!("the.{role}@example.org");
            let person = registers(service, &email).await;
            grants(service, &person, role).await;
            let said = scene.program(&scene.word(role, &email)).await;
            assert_eq!(refused(&said), (403, "not_vouched_for"), "{role}");
            assert_eq!(refused(&scene.enters(role, &email).await), (403, "not_vouched_for"), "{role}");
            assert!(audit(service, &person).await.iter().all(|(action, _)| action != "identity_linked"), "{role}");
        }
        // Whom the configuration names, here and where they are somebody else of that address.
        registers(&north, "owner@example.org").await;
        for school in [service, &north] {
            let said = school.ask(&scene.word("boss", "OWNER@example.org"), "/v1/people").await;
            assert_eq!(refused(&said), (403, "not_vouched_for"));
        }
        let said = north.ask(&scene.word("head", "owner@north.example.org"), "/v1/people").await;
        assert_eq!(refused(&said), (403, "not_vouched_for"), "the first owner of a school");
    }
}

#[tokio::test]
async fn an_address_finds_a_person_once() {
    let scene = of_sites(Sites::Every).await;
    assert_eq!(scene.program(&scene.word("subject 1", ANNA)).await.status, 200);
    assert_eq!(refused(&scene.program(&scene.word("subject 2", ANNA)).await), (403, "not_vouched_for"));
    assert_eq!(refused(&scene.enters("subject 2", ANNA).await), (403, "not_vouched_for"));
    assert_eq!(scene.program(&scene.word("subject 1", ANNA)).await.status, 200, "the first stays");
    // What has ended may begin anew, for people with no role.
    let service = &scene.service;
    service.command(&service.owner, "EndAccess", json!({"person_id": scene.anna})).await;
    scene.later(2);
    assert_eq!(scene.program(&scene.word("subject 2", ANNA)).await.status, 200);
    assert_eq!(refused(&scene.program(&scene.word("subject 1", ANNA)).await), (403, "not_vouched_for"));
    grants(service, &scene.anna, "admin").await;
    assert_eq!(refused(&scene.program(&scene.word("subject 2", ANNA)).await), (403, "not_vouched_for"));
}

#[tokio::test]
async fn of_many_who_come_by_one_address_at_once_one_is_linked() {
    let scene = of_sites(Sites::Every).await;
    let words: Vec<_> = (0..10).map(|nth| scene.word(&format!("subject {nth}"), ANNA)).collect();
    let said = futures::future::join_all(words.iter().map(|word| scene.program(word))).await;
    let linked: Vec<_> = words.iter().zip(&said).filter(|(_, said)| said.status == 200).collect();
    assert_eq!(linked.len(), 1, "{:?}", said.iter().map(|said| said.status).collect::<Vec<_>>());
    let rows: i64 = sqlx::query_scalar("select count(*) from identities")
        .fetch_one(&scene.service.database.pool)
        .await
        .expect("a count");
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn who_has_linked_a_privileged_system_themselves_comes_in_by_it() {
    let scene = privileged().await;
    let service = &scene.service;
    let admin = registers(service, "admin@example.org").await;
    grants(service, &admin, "admin").await;
    let session = lets_in(service, &admin).await;
    let linked = scene.links(&session, &session, "ad").await;
    assert_eq!((linked.status, super::oidc::location(&linked).as_str()), (303, "/docs"), "{}", linked.text);
    let entered = scene.enters("ad", "whatever@elsewhere.example").await;
    let session = cookie(&entered, "__Host-rollbook").expect("a session");
    assert_eq!(service.ask(&session, "/v1/people").await.status, 200);
    scene.later(2);
    assert_eq!(scene.program(&scene.word("ad", "admin@example.org")).await.status, 200);
    let actions = audit(service, &admin).await;
    assert!(actions.contains(&("identity_linked".to_owned(), scene.fake.url.clone())), "{actions:?}");
    // Another role begins with ways in that they have made since.
    grants(service, &admin, "owner").await;
    assert_eq!(refused(&scene.program(&scene.word("ad", "admin@example.org")).await), (403, "not_vouched_for"));
}

#[tokio::test]
async fn a_system_that_is_not_privileged_lets_in_no_admin_however_they_were_linked() {
    let scene = of_sites(Sites::Every).await;
    let service = &scene.service;
    let admin = registers(service, "admin@example.org").await;
    grants(service, &admin, "admin").await;
    let session = lets_in(service, &admin).await;
    let begun = post(service, &session, LINK, json!({"password": PASSWORD})).await;
    assert_eq!(refused(&begun), (403, "not_vouched_for"));
    // As before there was such a rule, or while it was privileged.
    let id = rollbook_domain::PersonId(admin.parse().expect("an id"));
    let store = service.executor.store();
    let epoch = store.person(service.site, id).await.expect("a person").state.epochs.access;
    sqlx::query("insert into identities (site_id, issuer, subject, person_id, linked_at, epoch) values ($1, $2, 'ad', $3, now(), $4)")
        .bind(service.site.0)
        .bind(&scene.fake.url)
        .bind(id.0)
        .bind(epoch)
        .execute(&service.database.pool)
        .await
        .expect("a row");
    assert_eq!(refused(&scene.enters("ad", "ad@elsewhere.example").await), (403, "not_vouched_for"));
    assert_eq!(refused(&scene.program(&scene.word("ad", "ad@elsewhere.example")).await), (403, "not_vouched_for"));
}

#[tokio::test]
async fn linking_is_for_whoever_is_signed_in_and_takes_nobody_from_another() {
    let scene = of_sites(Sites::Every).await;
    let service = &scene.service;
    let anna = lets_in(service, &scene.anna).await;
    let ben = registers(service, "ben@example.org").await;
    let ben = lets_in(service, &ben).await;
    scene.later(2);
    let word = scene.word("subject 1", ANNA);
    assert_eq!(scene.program(&word).await.status, 200);
    for (token, expected) in [(&*word, (403, "out_of_scope")), ("", (401, "unauthenticated"))] {
        assert_eq!(refused(&post(service, token, LINK, json!({})).await), expected);
    }
    let unknown = answer(service.request(Method::POST, &anna, "/v1/sign-in/nobody/link")).await;
    assert_eq!(refused(&unknown), (404, "not_found"));
    // Another person's subject, and another session than the one that began it.
    assert_eq!(refused(&scene.links(&ben, &ben, "subject 1").await), (403, "not_vouched_for"));
    assert_eq!(refused(&scene.links(&ben, &anna, "subject 3").await), (403, "not_vouched_for"));
    assert_eq!(refused(&scene.links(&ben, "nobodys", "subject 3").await), (403, "not_vouched_for"));
    assert_eq!(refused(&scene.program(&scene.word("subject 3", "x@elsewhere.example")).await), (403, "unknown_person"));
    assert_eq!(scene.links(&ben, &ben, "subject 3").await.status, 303);
    assert_eq!(scene.links(&ben, &ben, "subject 3").await.status, 303, "again is no mistake");
    assert_eq!(scene.links(&anna, &anna, "subject 4").await.status, 303, "several are hers");
    for (subject, name) in [("subject 1", "Anna"), ("subject 3", "Somebody"), ("subject 4", "Anna")] {
        let me: Value = scene.program(&scene.word(subject, "x@elsewhere.example")).await.json;
        assert_eq!(me["name"], name, "{subject}");
    }
}
