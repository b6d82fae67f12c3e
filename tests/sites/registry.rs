//! Who sees that there are other schools, and looks after what belongs to all of them: super admins, and nobody of one school.

use reqwest::Method;
use serde_json::{Value, json};

use super::{NOW, is_problem, items};
use crate::analysts::subscriptions::Subscription;
use crate::harness::{Service, answer};

/// Somebody of the default site with a role, and no super admin; their token.
async fn with_role(service: &Service, role: &str) -> String {
    let registered = json!({"name": "Some", "email": format!("{role}@default.example.org")});
    let person = service.create(&service.owner, "RegisterPerson", registered).await;
    service.command(&service.owner, "GrantRole", json!({"person_id": person, "role": role})).await;
    service.token(&person).await
}

fn of_the_registry(items: &[Value]) -> usize {
    items.iter().filter(|item| item["stream_type"] == "site").count()
}

#[tokio::test]
async fn which_schools_there_are_is_in_no_log_that_a_school_reads() {
    let service = Service::with_super_admin(NOW).await;
    let (owner, admin) = (with_role(&service, "owner").await, with_role(&service, "admin").await);
    let north = service.site("north").await;
    let last = service.command(&service.owner, "FoundHub", json!({"name": "Home"})).await;
    let last = last["position"].as_i64().expect("a position");
    let actions = [
        "site_opened",
        "site_hosts_set",
        "site_renamed",
        "site_closed",
        "site_reopened",
        "site_database_wanted",
        "site_database_given",
        "site_activated",
    ];
    let close = json!({"site_id": north.site.to_string(), "reason": "moved north"});
    service.command(&service.owner, "CloseSite", close).await;
    let end = service.command(&service.owner, "FoundHub", json!({"name": "End"})).await;
    let end = end["position"].as_i64().expect("a position");
    assert!(end > last);
    for token in [&owner, &admin] {
        assert_eq!(of_the_registry(&service.items(token, "/v1/events").await), 0);
        // A page is as long as was asked for, whatever is left out of it.
        let page = service.get(token, &format!("/v1/events?after={}&limit=2", last - 4)).await;
        let found: Vec<_> = page["items"].as_array().expect("a list").iter().map(|item| item["type"].clone()).collect();
        assert_eq!(found, ["HubFounded", "HubFounded"]);
        let all = service.items(token, "/v1/audit").await;
        assert!(all.iter().all(|entry| !actions.contains(&entry["action"].as_str().expect("text"))), "{all:?}");
        for action in actions {
            let found = service.items(token, &format!("/v1/audit?action={action}")).await;
            assert_eq!(found, [] as [Value; 0], "{action}");
        }
        let csv = answer(service.request(Method::GET, token, "/v1/audit").header("accept", "text/csv")).await;
        assert!(csv.text.contains("hub_founded") && !csv.text.contains("moved north") && !csv.text.contains("site_"));
        let sent = Subscription::open(&service, token, "", None).await.until(end).await;
        assert!(sent.iter().all(|event| event.data["stream_type"] != "site"));
    }
    // Super admins see it, and what a school settles for itself is its own to see.
    assert_eq!(of_the_registry(&service.items(&service.owner, "/v1/events").await), 3);
    assert_eq!(service.items(&service.owner, "/v1/audit?action=site_closed").await.len(), 1);
    let sent = Subscription::open(&service, &service.owner, "", None).await.until(end).await;
    assert_eq!(sent.iter().filter(|event| event.data["stream_type"] == "site").count(), 3);
    let setting = json!({"setting": {"name": "session_hours", "value": 12}});
    service.command(&admin, "SetSiteSetting", setting).await;
    assert_eq!(service.items(&admin, "/v1/audit?action=site_setting_set").await.len(), 1);
}

#[tokio::test]
async fn an_open_stream_ends_with_the_right_to_the_registry() {
    let service = Service::with_super_admin(NOW).await;
    let mut stream = Subscription::open(&service, &service.owner, "", None).await;
    stream.next().await.expect("an event");
    let elsewhere = service.request(Method::POST, &service.owner, "/v1/me/email");
    assert_eq!(answer(elsewhere.json(&json!({"email": "elsewhere@example.org"}))).await.status, 204);
    stream.end().await;
}

#[tokio::test]
async fn what_is_of_all_schools_is_looked_after_by_super_admins_or_by_the_owner_of_the_only_one() {
    let service = Service::with_super_admin(NOW).await;
    let (owner, admin) = (with_role(&service, "owner").await, with_role(&service, "admin").await);
    let asked = async |service: &Service, token: &str, method: Method, path: &str| {
        answer(service.request(method, token, &format!("/v1/projections{path}"))).await
    };
    let all = [
        (Method::GET, ""),
        (Method::GET, "/people/parked"),
        (Method::POST, "/people/verify"),
        (Method::POST, "/people/rebuild"),
        (Method::POST, "/people/rebuild?accept_differences=true"),
        (Method::POST, "/people/retry"),
    ];
    for (method, path) in all.clone() {
        for (token, expected) in [(&service.owner, 200), (&owner, 200), (&admin, 403)] {
            assert_eq!(asked(&service, token, method.clone(), path).await.status, expected, "{path}");
        }
    }
    let north = service.site("north").await;
    let close = json!({"site_id": north.site.to_string(), "reason": "moved"});
    for closed in [false, true] {
        for (method, path) in all.clone() {
            for token in [&owner, &admin] {
                is_problem(&asked(&service, token, method.clone(), path).await, 403, "not_allowed");
            }
            assert_eq!(asked(&service, &service.owner, method.clone(), path).await.status, 200, "{path}");
            if !closed {
                is_problem(&asked(&north, &north.owner, method, path).await, 403, "not_allowed");
            }
        }
        if !closed {
            service.command(&service.owner, "CloseSite", close.clone()).await;
        }
    }
}

#[tokio::test]
async fn what_differs_is_named_and_not_shown() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let registered = json!({"name": "Zoë Ōtākou", "email": "zoe@example.org"});
    let person = north.create(&north.owner, "RegisterPerson", registered).await;
    items(&north, "/v1/people").await;
    let change = "update people set name = 'Somebody Private' where person_id = $1::uuid";
    sqlx::query(change).bind(&person).execute(&service.database.pool).await.expect("an update");
    let delete = "delete from people where email = 'owner@north.example.org'";
    sqlx::query(delete).execute(&service.database.pool).await.expect("a deletion");
    let verify = service.request(Method::POST, &service.owner, "/v1/projections/people/verify");
    let verified = answer(verify).await;
    assert_eq!((verified.status, &verified.json["differing"]), (200, &json!(2)), "{}", verified.text);
    let differences = verified.json["differences"].as_array().expect("a list");
    let of = |what: &str| differences.iter().find(|row| row["what"] == what).expect("a row");
    let key = json!({"site_id": north.site.to_string(), "person_id": person});
    assert_eq!(of("changed"), &json!({"key": key, "what": "changed", "fields": ["name"]}));
    assert_eq!(
        (&of("missing")["fields"], of("missing")["key"]["site_id"].as_str()),
        (&json!([]), Some(&*north.site.to_string()))
    );
    for private in ["Private", "Zo", "@", "north"] {
        assert!(!verified.text.contains(private), "{private}: {}", verified.text);
    }
    let rebuild = answer(service.request(Method::POST, &service.owner, "/v1/projections/people/rebuild")).await;
    is_problem(&rebuild, 409, "projection_differs");
    assert!(!rebuild.text.contains("Private") && !rebuild.text.contains('@'), "{}", rebuild.text);
}
