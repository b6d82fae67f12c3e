//! Opening sites, their settings, and who may.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NOW, is_problem, items};
use crate::harness::{Service, answer};

#[tokio::test]
async fn a_site_is_opened_with_its_owner_and_listed() {
    let service = Service::with_super_admin(NOW).await;
    let open = json!({"slug": "te-kura", "name": "Te Kura", "owner_email": "Hēmi@example.org", "owner_name": "Hēmi"});
    let receipt = service.command(&service.owner, "OpenSite", open).await;
    let id = receipt["streams"][0]["id"].as_str().expect("an id").to_owned();
    let hosts = json!([{"host": "Kura.Bücher.example", "admits": "everyone"}]);
    service.command(&service.owner, "SetSiteHosts", json!({"site_id": id, "hosts": hosts})).await;

    let sites = items(&service, "/v1/sites").await;
    let slugs: Vec<_> = sites.iter().map(|site| site["slug"].as_str().expect("a slug")).collect();
    assert_eq!(slugs, ["default", "te-kura"]);
    assert_eq!(sites[1]["hosts"], json!([{"host": "kura.xn--bcher-kva.example", "admits": "everyone"}]));
    assert_eq!(service.get(&service.owner, &format!("/v1/sites/{id}")).await, sites[1]);
    is_problem(&service.ask(&service.owner, &format!("/v1/sites/{}", Uuid::new_v4())).await, 404, "not_found");
    let first = service.get(&service.owner, "/v1/sites?limit=1").await;
    let next = first["next"].as_str().expect("a cursor");
    let second = service.get(&service.owner, &format!("/v1/sites?limit=1&after={next}")).await;
    assert_eq!((&second["items"][0]["slug"], &second["next"]), (&json!("te-kura"), &Value::Null));

    let there = service.at_host("kura.xn--bcher-kva.example");
    let people = service.items(&service.owner, "/v1/people").await;
    assert_eq!(people.len(), 1, "the owner is a person of the new site, not of this one: {people:?}");
    let people = there.items(&service.owner, "/v1/people").await;
    assert_eq!((&people[0]["name"], &people[0]["roles"]), (&json!("Hēmi"), &json!(["owner"])));
}

#[tokio::test]
async fn a_slug_and_a_host_are_of_one_site_however_many_ask_at_once() {
    let service = Service::with_super_admin(NOW).await;
    let open = |nth: usize| json!({"slug": "north", "name": format!("North {nth}"), "owner_email": "o@example.org"});
    let asked = (0..8).map(|nth| service.send(&service.owner, "OpenSite", open(nth)));
    let statuses: Vec<_> = futures::future::join_all(asked).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    is_problem(&service.send(&service.owner, "OpenSite", open(9)).await, 409, "slug_taken");
    let default = json!({"slug": "default", "name": "x", "owner_email": "o@example.org"});
    is_problem(&service.send(&service.owner, "OpenSite", default).await, 409, "slug_taken");

    let mut sites = Vec::new();
    for slug in ["a", "b", "c", "d"] {
        let open = json!({"slug": slug, "name": slug, "owner_email": "o@example.org"});
        sites.push(service.create(&service.owner, "OpenSite", open).await);
    }
    let set = |site: &String| json!({"site_id": site, "hosts": [{"host": "school.example.org"}]});
    let asked = sites.iter().map(|site| service.send(&service.owner, "SetSiteHosts", set(site)));
    let answers = futures::future::join_all(asked).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.json["code"] == "host_taken").count(), 3);
}

#[tokio::test]
async fn what_cannot_be_is_refused_for_what_it_is() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let id = north.site.to_string();
    let default = rollbook_domain::SiteId::DEFAULT.to_string();
    for (command, body, status, code) in [
        ("CloseSite", json!({"site_id": default, "reason": "enough"}), 409, "default_site_stays"),
        ("RenameSite", json!({"site_id": Uuid::new_v4(), "name": "x"}), 404, "not_found"),
        ("RenameSite", json!({"site_id": id, "name": "x".repeat(201)}), 422, "invalid_fields"),
        ("SetSiteHosts", json!({"site_id": id, "hosts": [{"host": "*.example.org"}]}), 422, "invalid_fields"),
        ("SetSiteHosts", json!({"site_id": id, "hosts": [{"host": "a.org:80"}]}), 422, "invalid_fields"),
        (
            "SetSiteHosts",
            json!({"site_id": id, "hosts": [{"host": "a.org"}, {"host": "A.org"}]}),
            422,
            "invalid_fields",
        ),
        ("OpenSite", json!({"slug": "No", "name": "x", "owner_email": "o@example.org"}), 422, "invalid_fields"),
        ("OpenSite", json!({"slug": "no", "name": "x", "owner_email": "nobody"}), 422, "invalid_fields"),
        (
            "OpenSite",
            json!({"site_id": id, "slug": "no", "name": "x", "owner_email": "o@example.org"}),
            409,
            "already_exists",
        ),
    ] {
        is_problem(&service.send(&service.owner, command, body).await, status, code);
    }
}

#[tokio::test]
async fn only_super_admins_manage_sites_and_only_on_the_default_sites_host() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let ordinary =
        service.create(&service.owner, "RegisterPerson", json!({"name": "O", "email": "o@example.org"})).await;
    service.command(&service.owner, "GrantRole", json!({"person_id": ordinary, "role": "owner"})).await;
    let ordinary = service.token(&ordinary).await;
    let commands = [
        ("OpenSite", json!({"slug": "x", "name": "x", "owner_email": "o@example.org"})),
        ("SetSiteHosts", json!({"site_id": north.site, "hosts": []})),
        ("RenameSite", json!({"site_id": north.site, "name": "x"})),
        ("CloseSite", json!({"site_id": north.site, "reason": "x"})),
        ("ReopenSite", json!({"site_id": north.site})),
    ];
    for (command, body) in commands {
        is_problem(&service.send(&ordinary, command, body.clone()).await, 403, "not_allowed");
        is_problem(&north.send(&north.owner, command, body.clone()).await, 404, "not_found");
        is_problem(&north.send(&service.owner, command, body).await, 404, "not_found");
    }
    for path in ["/v1/sites".to_owned(), format!("/v1/sites/{}", north.site)] {
        is_problem(&service.ask(&ordinary, &path).await, 403, "not_allowed");
        is_problem(&north.ask(&north.owner, &path).await, 404, "not_found");
        is_problem(&north.ask(&service.owner, &path).await, 404, "not_found");
    }
}

#[tokio::test]
async fn a_school_settles_things_for_itself() {
    let service = Service::with_super_admin(NOW).await;
    let (north, south) = (service.site("north").await, service.site("south").await);
    let set = |name: &str, value: Value| json!({"setting": {"name": name, "value": value}});
    north.command(&north.owner, "SetSiteSetting", set("display_name", json!("Te Kura"))).await;
    north.command(&north.owner, "SetSiteSetting", set("session_hours", json!(8))).await;
    north.command(&service.owner, "SetSiteSetting", set("second_factor", json!("owners_and_admins"))).await;
    north.command(&service.owner, "SetSiteSetting", set("second_factor", json!("optional"))).await;
    let again = north.command(&north.owner, "SetSiteSetting", set("session_hours", json!(8))).await;
    assert_eq!(again["events"], json!([]));
    let site = north.get(&north.owner, "/v1/site").await;
    assert_eq!((&site["slug"], &site["display_name"]), (&json!("north"), &json!("Te Kura")));
    let settings = json!({"display_name": "Te Kura", "timezone": null, "session_hours": 8, "invitation_hours": 168,
        "password_sign_in": true, "second_factor": "optional", "version": 4});
    assert_eq!(site["settings"], settings);
    let other = south.get(&south.owner, "/v1/site").await;
    assert_eq!((&other["display_name"], &other["settings"]["session_hours"]), (&json!("School south"), &json!(336)));

    is_problem(
        &north.send(&north.owner, "SetSiteSetting", set("session_hours", json!(0))).await,
        422,
        "invalid_fields",
    );
    is_problem(&north.send(&north.owner, "SetSiteSetting", set("colour", json!("blue"))).await, 422, "invalid_fields");
    let student = north.create(&north.owner, "RegisterPerson", json!({"name": "Z", "email": "z@example.org"})).await;
    let student = north.token(&student).await;
    is_problem(&north.send(&student, "SetSiteSetting", set("session_hours", json!(1))).await, 403, "not_allowed");
    assert_eq!(north.get(&student, "/v1/site").await["settings"], settings, "anybody signed in reads them");
    is_problem(&answer(north.request(Method::GET, "", "/v1/site")).await, 401, "unauthenticated");
    let audit = north.items(&north.owner, "/v1/audit?action=site_setting_set").await;
    let actors: Vec<_> = audit.iter().map(|entry| (&entry["actor"]["name"], &entry["authority"])).collect();
    assert_eq!(actors[2], (&json!("Super admin"), &json!("super_admin")), "{audit:?}");
    assert_eq!(audit[1]["reason"], "session_hours is 8");
}
