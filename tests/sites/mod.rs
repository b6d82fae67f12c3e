//! Many schools in one installation: each on its hosts, and nothing of one in another.

mod binary;
mod hosts;
mod ids;
mod isolation;
mod mail;
mod managing;
mod own_database;
mod owners;
mod registry;
mod super_admins;

use serde_json::{Value, json};

use crate::harness::{Answer, Service};

const NOW: &str = "2026-02-10T09:00:00Z";

fn is_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.json["code"]), (status, &json!(code)), "{}", answer.text);
}

/// A site's first student, in its first cohort; the same names, codes and addresses in every site.
struct Student {
    module: String,
    cohort: String,
    hub: String,
    person: String,
    enrolment: String,
    material: String,
    upload: String,
}

impl Student {
    async fn in_site(site: &Service) -> Self {
        let owner = &site.owner;
        let module = site.create(owner, "DefineModule", json!({"code": "AKO-1", "title": "Ako"})).await;
        let schedule = json!({"module_id": module, "name": "Kererū", "starts_on": "2026-02-03",
            "session_start": "19:00", "timezone": "Australia/Sydney"});
        let cohort = site.create(owner, "ScheduleCohort", schedule).await;
        site.command(owner, "StartCohort", json!({"cohort_id": cohort})).await;
        let hub = site.create(owner, "FoundHub", json!({"name": "Northland"})).await;
        let register = json!({"name": "Zoë Ōtākou", "email": "zoe@example.org", "external_id": "LW-9"});
        let person = site.create(owner, "RegisterPerson", register).await;
        let enrol = json!({"cohort_id": cohort, "person_id": person, "hub_id": hub});
        let enrolment = site.create(owner, "EnrolStudent", enrol).await;
        let upload = site.request(reqwest::Method::POST, owner, "/v1/uploads?name=map.gif").body(GIF);
        let upload = crate::harness::answer(upload).await.json["upload_id"].as_str().expect("an id").to_owned();
        let material = json!({"cohort_id": cohort, "week": 1, "kind": "image", "title": "Map", "content": upload});
        let added = site.command(owner, "AddMaterial", material).await;
        let material = added["events"][0]["data"]["material_id"].as_str().expect("an id").to_owned();
        let reflection = json!({"enrolment_id": enrolment, "week": 1, "text": "Kia ora", "visibility": "cohort"});
        site.command(&site.token(&person).await, "SubmitReflection", reflection).await;
        Self { module, cohort, hub, person, enrolment, material, upload }
    }
}

/// One white pixel.
const GIF: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\
    \x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// The items of a list that must be answered.
async fn items(site: &Service, path: &str) -> Vec<Value> {
    site.items(&site.owner, path).await
}
