//! A school always has an owner: the last one is nobody's to remove, however it is tried, and however many try at once.

use futures::future::join;
use serde_json::{Value, json};

use super::{NOW, is_problem};
use crate::harness::{Answer, Service};

/// Makes somebody an owner; their id and token.
async fn another(site: &Service, name: &str) -> (String, String) {
    let register = json!({"name": name, "email": format!("{name}@example.org")});
    let person = site.create(&site.owner, "RegisterPerson", register).await;
    site.command(&site.owner, "GrantRole", json!({"person_id": person, "role": "owner"})).await;
    let token = site.token(&person).await;
    (person, token)
}

fn removals(person: &str) -> [(&'static str, Value); 2] {
    [
        ("RevokeRole", json!({"person_id": person, "role": "owner"})),
        ("DeactivatePerson", json!({"person_id": person, "reason": "left"})),
    ]
}

#[tokio::test]
async fn the_last_owner_is_nobodys_to_remove() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    // Neither by themselves nor by a super admin; nor are the default site's, who are super admins.
    for (site, asker) in [(&north, &north.owner), (&north, &service.owner), (&service, &service.owner)] {
        let last = site.get(&site.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
        for (command, body) in removals(&last) {
            is_problem(&site.send(asker, command, body).await, 409, "last_owner");
        }
    }
    // Whoever is deactivated is an owner who can do nothing.
    let first = north.get(&north.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
    let (other, token) = another(&north, "other").await;
    north.command(&north.owner, "DeactivatePerson", json!({"person_id": other, "reason": "a pause"})).await;
    for (command, body) in removals(&first) {
        is_problem(&north.send(&north.owner, command, body).await, 409, "last_owner");
    }
    // The role of one who is deactivated may go, and is no loss.
    north.command(&north.owner, "RevokeRole", json!({"person_id": other, "role": "owner"})).await;
    north.command(&north.owner, "ReactivatePerson", json!({"person_id": other})).await;
    north.command(&north.owner, "GrantRole", json!({"person_id": other, "role": "admin"})).await;
    for (command, body) in removals(&first) {
        is_problem(&north.send(&north.owner, command, body).await, 409, "last_owner");
    }
    // Another one who may act takes their place, and is then the last.
    north.command(&north.owner, "GrantRole", json!({"person_id": other, "role": "owner"})).await;
    north.command(&north.owner, "RevokeRole", json!({"person_id": first, "role": "owner"})).await;
    let token = if north.ask(&token, "/v1/me").await.status == 200 { token } else { north.token(&other).await };
    for (command, body) in removals(&other) {
        is_problem(&north.send(&token, command, body).await, 409, "last_owner");
    }
}

#[tokio::test]
async fn an_owner_whom_the_configuration_names_no_more_is_kept_if_they_are_the_last() {
    use rollbook_domain::person::ReleaseOwner;
    use rollbook_domain::{Actor, SiteId};
    use rollbook_store::Request;
    let service = Service::start(NOW).await;
    let last = service.get(&service.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
    let request = Request {
        site: SiteId::DEFAULT,
        actor: Actor::System,
        command: ReleaseOwner { person_id: last.parse().expect("an id") }.into(),
        command_id: None,
        if_match: None,
        correlation_id: None,
    };
    let released = service.executor.execute(request).await.expect("they are released");
    assert_eq!(released.events.len(), 1);
    for (command, body) in removals(&last) {
        is_problem(&service.send(&service.owner, command, body).await, 409, "last_owner");
    }
    let (other, _) = another(&service, "other").await;
    service.command(&service.owner, "RevokeRole", json!({"person_id": other, "role": "owner"})).await;
}

/// How many people of a school have the role and may act.
async fn owners(site: &Service, asker: &str) -> usize {
    let people = site.items(asker, "/v1/people").await;
    let is_owner = |person: &&Value| {
        person["active"] == true && person["roles"].as_array().is_some_and(|roles| roles.contains(&json!("owner")))
    };
    people.iter().filter(is_owner).count()
}

#[tokio::test]
async fn of_two_who_are_removed_at_once_one_stays() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let first = north.get(&north.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
    let (second, _) = another(&north, "second").await;
    for round in 0..24 {
        // By themselves or by a super admin, in whichever way and order.
        let mut both = [&first, &second];
        let mut tokens = [north.token(&first).await, north.token(&second).await];
        if round % 2 == 1 {
            both.reverse();
            tokens.reverse();
        }
        if round % 3 == 0 {
            tokens = [service.owner.clone(), service.owner.clone()];
        }
        let (command, body) = removals(both[0])[round / 2 % 2].clone();
        let (other_command, other_body) = removals(both[1])[round / 4 % 2].clone();
        let answers =
            join(north.send(&tokens[0], command, body), north.send(&tokens[1], other_command, other_body)).await;
        let mut told: Vec<_> = [&answers.0, &answers.1].map(outcome).into();
        told.sort_unstable();
        assert_eq!(told, ["", "last_owner"], "round {round}: {} {}", answers.0.text, answers.1.text);
        assert_eq!(owners(&north, &service.owner).await, 1, "round {round}");
        for person in both {
            north.command(&service.owner, "ReactivatePerson", json!({"person_id": person})).await;
            north.command(&service.owner, "GrantRole", json!({"person_id": person, "role": "owner"})).await;
        }
    }
}

#[tokio::test]
async fn of_two_who_remove_each_other_at_once_one_stays() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let (second, _) = another(&north, "second").await;
    let (third, _) = another(&north, "third").await;
    let first = north.get(&north.owner, "/v1/me").await["person_id"].clone();
    north.command(&service.owner, "RevokeRole", json!({"person_id": first, "role": "owner"})).await;
    for round in 0..12 {
        let tokens = [north.token(&second).await, north.token(&third).await];
        let (command, body) = removals(&third)[round % 2].clone();
        let (other_command, other_body) = removals(&second)[round / 2 % 2].clone();
        let answers =
            join(north.send(&tokens[0], command, body), north.send(&tokens[1], other_command, other_body)).await;
        let mut told: Vec<_> = [&answers.0, &answers.1].map(outcome).into();
        told.sort_unstable();
        assert_eq!(told[0], "", "one of them is the faster: {} {}", answers.0.text, answers.1.text);
        // The other one may do nothing any more by then.
        assert!(["last_owner", "not_allowed", "unauthenticated"].contains(&&*told[1]), "round {round}: {told:?}");
        assert_eq!(owners(&north, &service.owner).await, 1, "round {round}");
        for person in [&second, &third] {
            north.command(&service.owner, "ReactivatePerson", json!({"person_id": person})).await;
            north.command(&service.owner, "GrantRole", json!({"person_id": person, "role": "owner"})).await;
        }
    }
}

/// The code of a refusal; nothing where it was carried out.
fn outcome(answer: &Answer) -> String {
    answer.json["code"].as_str().unwrap_or_default().to_owned()
}
