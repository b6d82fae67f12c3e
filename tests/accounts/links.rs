//! Links and tokens that were good once: what somebody else was shown, or has kept, lets them in as nobody who has ever come in, and
//! ends with the right to have it.

use reqwest::Method;
use rollbook_oidc::{Kind, Sites};
use rollbook_store::transaction::begin;
use serde_json::{Value, json};

use super::fake_provider::Key;
use super::oidc::{ANNA, Scene};
use super::{ANOTHER, PASSWORD, accepts, email_of, invited, lets_in, letter, post, refused, signs_in};
use crate::given_up::requests::counts;
use crate::harness::{Answer, Service, answer};
use crate::school::School;

const GONE: (u16, &str) = (409, "invitation_gone");
const MAILED: (u16, &str) = (409, "link_is_mailed");

/// Who waits for a row that somebody else is changing.
const WAITING_FOR_A_ROW: &str = "select count(*) from pg_stat_activity where datname = current_database()
    and wait_event_type = 'Lock' and wait_event in ('transactionid', 'tuple')";

/// Who sets a password by a link, or links another system, at this moment.
const HOLDING_A_PERSON: &str = "select count(*) from pg_locks where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database()) and classid = 1885695084";

async fn invites(service: &Service, token: &str, person: &str, body: Value) -> Answer {
    post(service, token, &format!("/v1/people/{person}/invitation"), body).await
}

/// The secret of a link that somebody was shown.
fn shown(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["link"].as_str().and_then(|link| link.split_once('#')).expect("a link").1.to_owned()
}

async fn owner(service: &Service, command: &str, body: Value) {
    service.command(&service.owner, command, body).await;
}

/// An admin of a school: who they are, and a token of theirs.
async fn admin(service: &Service, name: &str) -> (String, String) {
    let registered = json!({"name": name, "email": format!("{}@example.org", name.to_lowercase())});
    let person = service.create(&service.owner, "RegisterPerson", registered).await;
    owner(service, "GrantRole", json!({"person_id": person, "role": "admin"})).await;
    let token = service.token(&person).await;
    (person, token)
}

#[tokio::test]
async fn nobody_is_shown_a_link_for_whoever_has_ever_come_in() {
    let scene = Scene::oidc().await;
    let service = &scene.service;
    let (_, admin) = admin(service, "Ada").await;
    for (nth, event) in
        ["access ended", "address corrected", "role given and taken", "identity unlinked"].iter().enumerate()
    {
        let email = format!("somebody{nth}@example.org");
        let registered = json!({"name": "Somebody", "email": email});
        let person = service.create(&service.owner, "RegisterPerson", registered).await;
        let one = json!({"person_id": person});
        assert_eq!(invites(service, &admin, &person, json!({})).await.status, 200, "for whom nothing is there yet");
        match *event {
            "access ended" => {
                lets_in(service, &person).await;
                service.command(&admin, "EndAccess", one).await;
            }
            "address corrected" => {
                lets_in(service, &person).await;
                let corrected = json!({"person_id": person, "email": format!("x.{email}")});
                service.command(&admin, "CorrectPerson", corrected).await;
            }
            "role given and taken" => {
                lets_in(service, &person).await;
                owner(service, "GrantRole", json!({"person_id": person, "role": "admin"})).await;
                owner(service, "RevokeRole", json!({"person_id": person, "role": "admin"})).await;
            }
            _ => {
                scene.says(json!({"sub": email, "email": email}));
                assert_eq!(scene.signs_in().await.status, 303);
                let access = service.get(&admin, &format!("/v1/people/{person}/access")).await;
                let id = access["identities"][0]["identity_id"].as_str().expect("an identity");
                let path = format!("/v1/people/{person}/identities/{id}");
                assert_eq!(answer(service.request(Method::DELETE, &admin, &path)).await.status, 204);
            }
        }
        assert_eq!(refused(&invites(service, &admin, &person, json!({})).await), MAILED, "{event}");
        let mailed = invites(service, &admin, &person, json!({"send": true})).await;
        assert_eq!((mailed.status, &mailed.json["link"]), (200, &Value::Null), "{event}");
        // What is in a letter lets them in.
        assert_eq!(accepts(service, &letter(service, &person).await, ANOTHER).await.status, 200, "{event}");
    }
}

#[tokio::test]
async fn a_link_that_is_made_while_its_person_comes_in_lets_nobody_in() {
    let school = School::open().await;
    let (service, pool) = (&school.service, &school.service.database.pool);
    let person = school.person("Anahera").await;
    let secret = invited(service, &person).await;
    // Both wait for the link that there is: the person to use it, then the admin to put another in its place.
    let mut lock = begin(pool).await.expect("a transaction");
    let held = sqlx::query("select from invitations where person_id = $1 for update");
    held.bind(person.parse::<uuid::Uuid>().expect("an id")).execute(&mut *lock).await.expect("the row");
    let comes_in = accepts(service, &secret, PASSWORD);
    let is_invited = async {
        counts(pool, WAITING_FOR_A_ROW, 1).await;
        invites(service, &school.admin, &person, json!({})).await
    };
    let released = async {
        counts(pool, WAITING_FOR_A_ROW, 2).await;
        lock.rollback().await.expect("the row is released");
    };
    let (came_in, late, ()) = tokio::join!(comes_in, is_invited, released);
    assert_eq!(came_in.status, 200, "{}", came_in.text);
    if late.status == 200 {
        assert_eq!(refused(&accepts(service, &shown(&late), ANOTHER).await), GONE);
    } else {
        assert_eq!(refused(&late), MAILED);
    }
    let email = email_of(service, &person).await;
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 200, "it is the person's own");
}

#[tokio::test]
async fn a_link_that_was_shown_ends_when_its_person_comes_in_by_another_system() {
    for by_browser in [true, false] {
        let scene = Scene::oidc().await;
        let service = &scene.service;
        let (_, admin) = admin(service, "Ada").await;
        let link = shown(&invites(service, &admin, &scene.anna, json!({})).await);
        if by_browser {
            assert_eq!(scene.signs_in().await.status, 303);
        } else {
            assert_eq!(scene.program(&scene.fakes(ANNA, 0)).await.status, 200);
        }
        assert_eq!(refused(&accepts(service, &link, PASSWORD).await), GONE, "by a browser: {by_browser}");
        assert_eq!(refused(&invites(service, &admin, &scene.anna, json!({})).await), MAILED);
    }
}

#[tokio::test]
async fn a_link_that_was_shown_is_good_for_as_long_as_whoever_saw_it_may_be_shown_it() {
    let school = School::open().await;
    let service = &school.service;
    for (nth, event) in
        ["nothing", "role taken", "deactivated", "deactivated and back", "access ended"].iter().enumerate()
    {
        let (ada, token) = admin(service, &format!("Ada{nth}")).await;
        let person = school.person(&format!("Somebody {nth}")).await;
        let link = shown(&invites(service, &token, &person, json!({})).await);
        let one = json!({"person_id": ada});
        match *event {
            "role taken" => owner(service, "RevokeRole", json!({"person_id": ada, "role": "admin"})).await,
            "deactivated" | "deactivated and back" => {
                owner(service, "DeactivatePerson", json!({"person_id": ada, "reason": "has left"})).await;
                if *event == "deactivated and back" {
                    owner(service, "ReactivatePerson", one).await;
                }
            }
            "access ended" => owner(service, "EndAccess", one).await,
            _ => {}
        }
        let used = accepts(service, &link, PASSWORD).await;
        if *event == "nothing" {
            assert_eq!(used.status, 200, "{}", used.text);
        } else {
            assert_eq!(refused(&used), GONE, "{event}");
            assert_eq!(accepts(service, &invited(service, &person).await, PASSWORD).await.status, 200, "{event}");
        }
    }
    // Somebody whom an admin could not be shown a link of by now.
    let (_, token) = admin(service, "Ada9").await;
    let person = school.person("Somebody").await;
    let link = shown(&invites(service, &token, &person, json!({})).await);
    owner(service, "GrantRole", json!({"person_id": person, "role": "owner"})).await;
    assert_eq!(refused(&accepts(service, &link, PASSWORD).await), GONE);
}

#[tokio::test]
async fn a_link_that_a_super_admin_was_shown_is_good_for_as_long_as_they_are_one() {
    let scene = Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), Sites::Every, false).await;
    let (service, north) = (&scene.service, scene.service.site("north").await);
    let boss = service.get(&service.owner, "/v1/me").await["person_id"].clone();
    for ended in [false, true] {
        let registered = json!({"name": "Somebody", "email": format!("somebody.{ended}@example.org")});
        let person = north.create(&north.owner, "RegisterPerson", registered).await;
        let link = shown(&invites(&north, &service.owner, &person, json!({})).await);
        if ended {
            owner(service, "EndAccess", json!({"person_id": boss})).await;
            assert_eq!(refused(&accepts(&north, &link, PASSWORD).await), GONE);
        } else {
            assert_eq!(accepts(&north, &link, PASSWORD).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_link_is_good_for_the_address_that_it_was_made_for() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    owner(service, "GrantRole", json!({"person_id": person, "role": "admin"})).await;
    let session = lets_in(service, &person).await;
    let (email, reset) = (email_of(service, &person).await, letter(service, &person).await);
    let corrects_own = async |email: &str| {
        let changed = post(service, &session, "/v1/me/email", json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(changed.status, 204, "{}", changed.text);
    };
    // The same address in another case is the same mailbox.
    corrects_own(&email.to_uppercase()).await;
    let again = letter(service, &person).await;
    corrects_own("anahera.at.home@example.org").await;
    for link in [&reset, &again] {
        assert_eq!(refused(&accepts(service, link, ANOTHER).await), GONE);
    }
    assert_eq!(service.ask(&session, "/v1/me").await.status, 200, "they stay where they are");
    corrects_own(&email).await;
    assert_eq!(accepts(service, &reset, ANOTHER).await.status, 200, "theirs again");
}

impl Scene {
    /// A program's token for whoever has an address, made so many seconds from now.
    fn fakes(&self, email: &str, seconds: i64) -> String {
        let says = json!({"sub": email, "email": email, "email_verified": true, "exp": self.now() + seconds + 7_200});
        self.fake.token(self.now() + seconds, &says)
    }
}

#[tokio::test]
async fn a_program_is_not_let_in_by_a_token_from_before_what_has_ended_it() {
    let scene = Scene::oidc().await;
    let service = &scene.service;
    let events =
        ["access ended", "deactivated and back", "role given and taken", "unlinked", "password set", "address"];
    for (nth, event) in events.iter().enumerate() {
        let email = format!("somebody{nth}@example.org");
        let registered = json!({"name": "Somebody", "email": email});
        let person = service.create(&service.owner, "RegisterPerson", registered).await;
        let token = scene.fakes(&email, 0);
        assert_eq!(scene.program(&token).await.status, 200, "{event}");
        scene.later(10);
        // Of a system whose clock is ahead, as far as it may be.
        let ahead = scene.fakes(&email, 60);
        let one = json!({"person_id": person});
        match *event {
            "access ended" => owner(service, "EndAccess", one).await,
            "deactivated and back" => {
                owner(service, "DeactivatePerson", json!({"person_id": person, "reason": "a stolen laptop"})).await;
                owner(service, "ReactivatePerson", one).await;
            }
            "role given and taken" => {
                owner(service, "GrantRole", json!({"person_id": person, "role": "admin"})).await;
                owner(service, "RevokeRole", json!({"person_id": person, "role": "admin"})).await;
            }
            "unlinked" => {
                let access = service.get(&service.owner, &format!("/v1/people/{person}/access")).await;
                let id = access["identities"][0]["identity_id"].as_str().expect("an identity");
                let path = format!("/v1/people/{person}/identities/{id}");
                assert_eq!(answer(service.request(Method::DELETE, &service.owner, &path)).await.status, 204);
            }
            "password set" => {
                assert_eq!(accepts(service, &letter(service, &person).await, PASSWORD).await.status, 200);
            }
            _ => {
                for email in ["elsewhere@example.org", &email] {
                    owner(service, "CorrectPerson", json!({"person_id": person, "email": email})).await;
                }
            }
        }
        for token in [&token, &ahead] {
            assert_eq!(refused(&scene.program(token).await), (403, "not_vouched_for"), "{event}");
        }
        scene.later(3);
        assert_eq!(refused(&scene.program(&token).await), (403, "not_vouched_for"), "{event}, later");
        assert_eq!(scene.program(&scene.fakes(&email, 0)).await.status, 200, "{event}: one that was made since");
        assert_eq!(refused(&scene.program(&token).await), (403, "not_vouched_for"), "{event}, linked again");
    }
    // Nor where its person has come back by a browser.
    let token = scene.fakes(ANNA, 0);
    assert_eq!(scene.program(&token).await.status, 200);
    owner(service, "EndAccess", json!({"person_id": scene.anna})).await;
    scene.says(json!({"sub": ANNA}));
    assert_eq!(scene.signs_in().await.status, 303);
    assert_eq!(refused(&scene.program(&token).await), (403, "not_vouched_for"));
    scene.later(2);
    assert_eq!(scene.program(&scene.fakes(ANNA, 0)).await.status, 200);
}

#[tokio::test]
async fn a_token_from_before_is_not_linked_while_a_password_is_set_by_a_link() {
    let scene = Scene::oidc().await;
    let (service, pool) = (&scene.service, &scene.service.database.pool);
    let (link, token) = (letter(service, &scene.anna).await, scene.fakes(ANNA, 0));
    scene.later(10);
    // Nothing is appended as long as somebody else has the log's lock: the person who uses the link has come as far as to tell the log.
    let mut lock = begin(pool).await.expect("a transaction");
    sqlx::query("select lock_events()").execute(&mut *lock).await.expect("the lock");
    let comes_in = accepts(service, &link, PASSWORD);
    let shows_it = async {
        counts(pool, HOLDING_A_PERSON, 1).await;
        scene.program(&token).await
    };
    let released = async {
        counts(pool, HOLDING_A_PERSON, 1).await;
        lock.rollback().await.expect("the lock is released");
    };
    let (came_in, shown, ()) = tokio::join!(comes_in, shows_it, released);
    assert_eq!(came_in.status, 200, "{}", came_in.text);
    assert_eq!(refused(&shown), (403, "not_vouched_for"));
    let linked: i64 = sqlx::query_scalar("select count(*) from identities").fetch_one(pool).await.expect("a count");
    assert_eq!(linked, 0);
}
