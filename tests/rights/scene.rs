//! A school in which everybody is there, and something of everything.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use rollbook_domain::{PersonId, SiteId};
use rollbook_store::Position;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

use super::table::{Body, Row};
use crate::harness::{Service, answer};
use crate::school::{BEFORE, School, Student};

/// Everybody there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Without a token.
    Nobody,
    /// The student whom it is about.
    Student,
    /// Another student of the same cohort.
    OtherStudent,
    /// Of the hub that the student is in.
    Coordinator,
    /// Of another hub.
    OtherCoordinator,
    /// Appointed to the cohort.
    Marker,
    /// Appointed to the cohort.
    Instructor,
    /// With the role.
    Admin,
    /// With the role.
    Owner,
    /// An owner of the default site, whom the configuration names.
    SuperAdmin,
    /// The owner of another site.
    Stranger,
}

impl Role {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Nobody,
        Self::Student,
        Self::OtherStudent,
        Self::Coordinator,
        Self::OtherCoordinator,
        Self::Marker,
        Self::Instructor,
        Self::Admin,
        Self::Owner,
        Self::SuperAdmin,
        Self::Stranger,
    ];
}

/// The school, its people's tokens, and the ids that requests name.
pub struct Scene {
    school: School,
    people: BTreeMap<Role, (SiteId, PersonId)>,
    ids: BTreeMap<&'static str, String>,
}

impl Scene {
    /// Sets it: the second session is over.
    pub async fn set() -> Self {
        let school = School::of(Service::with_super_admin(BEFORE).await, json!({})).await;
        let service = &school.service;
        let student = school.student("Moana", Some(&school.north)).await;
        let mate = school.student("Tui", Some(&school.south)).await;
        let leaver = school.student("Lars", Some(&school.north)).await;
        let module = school.command("DefineModule", json!({"code": "AKO-2", "title": "Ako, further"})).await;
        let module = module["streams"][0]["id"].as_str().expect("an id").to_owned();
        let next = json!({"module_id": school.module, "name": "Kākā 2026", "starts_on": "2026-08-04",
            "session_start": "19:00", "timezone": "Australia/Sydney"});
        let next = service.create(&school.owner, "ScheduleCohort", next).await;
        let spare_hub = service.create(&school.owner, "FoundHub", json!({"name": "Eastland"})).await;
        let beside = service.site("beside").await;
        let newcomer = school.person("Nia Newcomer").await;
        service.now("2026-02-11T00:00:00Z");

        let material = json!({"cohort_id": school.cohort, "week": 1, "kind": "page", "title": "Welcome",
            "content": "Nau mai"});
        let material = school.command("AddMaterial", material).await;
        let material = material["events"][0]["data"]["material_id"].as_str().expect("an id").to_owned();
        let pdf: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n";
        let upload = service.request(Method::POST, &school.owner, "/v1/uploads?name=Plan.pdf");
        let upload = answer(upload.header("Content-Type", "application/octet-stream").body(pdf)).await;
        assert_eq!(upload.status, 200, "{}", upload.text);
        let upload = upload.json["upload_id"].as_str().expect("an id").to_owned();
        let document = json!({"cohort_id": school.cohort, "week": 1, "kind": "document", "title": "Plan",
            "content": upload});
        let document = school.command("AddMaterial", document).await;
        let document = document["events"][0]["data"]["material_id"].as_str().expect("an id").to_owned();

        let mut tokens = BTreeMap::from([
            (Role::Coordinator, school.coordinator.clone()),
            (Role::OtherCoordinator, school.other_coordinator.clone()),
            (Role::Marker, school.marker.clone()),
            (Role::Instructor, school.instructor.clone()),
            (Role::Admin, school.admin.clone()),
            (Role::Owner, owner(&school).await),
            (Role::SuperAdmin, school.owner.clone()),
            (Role::Stranger, beside.owner.clone()),
        ]);
        for (role, who) in [(Role::Student, &student), (Role::OtherStudent, &mate)] {
            tokens.insert(role, service.token(&who.person).await);
        }
        write(&school, &tokens[&Role::Student], &student, 1).await;

        let ids = BTreeMap::from([
            ("cohort_id", school.cohort.clone()),
            ("next_cohort_id", next),
            ("module_id", school.module.clone()),
            ("spare_module_id", module),
            ("hub_id", school.north.clone()),
            ("other_hub_id", school.south.clone()),
            ("spare_hub_id", spare_hub),
            ("enrolment_id", student.enrolment),
            ("leaver_enrolment_id", leaver.enrolment),
            ("person_id", student.person),
            ("newcomer_id", newcomer),
            ("marker_id", school.markers[0].clone()),
            ("other_marker_id", school.markers[1].clone()),
            ("material_id", material),
            ("document_id", document),
            ("upload_id", upload),
            ("message_id", Uuid::from_u128(7).to_string()),
            ("site_id", beside.site.to_string()),
            ("key_id", Uuid::from_u128(8).to_string()),
            ("session_id", Uuid::from_u128(9).to_string()),
            ("identity_id", Uuid::from_u128(10).to_string()),
            ("factor_id", Uuid::from_u128(11).to_string()),
            ("name", "roster".to_owned()),
            ("week", "1".to_owned()),
        ]);
        let mut people = BTreeMap::new();
        for (role, token) in tokens {
            let site = if role == Role::Stranger { beside.site } else { SiteId::DEFAULT };
            let bearer = service.executor.store().bearer(site, &token, service.clock.now()).await.expect("a look-up");
            people.insert(role, (site, bearer.expect("a token").person));
        }
        let scene = Self { school, people, ids };
        scene.caught_up().await;
        scene
    }

    /// Waits until the read models know all that has happened.
    async fn caught_up(&self) {
        let head = self.head().await;
        let wait = std::time::Duration::from_secs(30);
        self.school.service.projections.wait_for(head, wait).await.expect("the read models catch up");
    }

    /// The whole of it.
    pub fn service(&self) -> &Service {
        &self.school.service
    }

    /// The log's last position.
    pub async fn head(&self) -> Position {
        self.school.service.executor.store().head().await.expect("the head")
    }

    /// A new token, because some operations end the one that they are called with; nothing for nobody.
    async fn token(&self, role: Role) -> String {
        let Some((site, person)) = self.people.get(&role) else { return String::new() };
        let service = &self.school.service;
        let ttl = chrono::TimeDelta::days(1);
        service.executor.store().issue_token(*site, *person, service.clock.now(), ttl).await.expect("a token")
    }

    /// A request as somebody sends it. The path's and the body's ids are those of the scene, by their names.
    pub async fn request(&self, method: &str, path: &str, row: &Row, role: Role) -> RequestBuilder {
        self.caught_up().await;
        let filled = |text: &str| {
            self.ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
        };
        let path = filled(&format!("{}{}", row.path(path), row.query));
        let token = self.token(role).await;
        let method = method.parse::<Method>().expect("a method");
        let request = self.school.service.request(method, &token, &path);
        match &row.body {
            Body::None => request,
            Body::Json(body) => {
                let body: Value = serde_json::from_str(&filled(&body.to_string())).expect("JSON");
                request.json(&body)
            }
            Body::File(media, bytes) => request.header("Content-Type", *media).body(*bytes),
        }
    }

    /// Sends a request but for its body, which stays on its way; the status of the answer, if there is one.
    pub async fn begin(&self, method: &str, path: &str, row: &Row, role: Role) -> Option<u16> {
        let request = self.request(method, path, row, role).await.build().expect("a request");
        let (url, headers) = (request.url(), request.headers());
        let address = (url.host_str().expect("a host"), url.port().expect("a port"));
        let mut stream = BufReader::new(TcpStream::connect(address).await.expect("a connection"));
        let target = [url.path(), url.query().unwrap_or_default()].join("?");
        let host = url.host_str().filter(|_| !headers.contains_key("host")).map(|host| ("host", host));
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).chain(host);
        let headers: String = headers.map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
        let head = format!("{method} {target} HTTP/1.1\r\nContent-Length: 900000\r\n{headers}");
        stream.write_all(format!("{head}\r\n").as_bytes()).await.expect("the head is sent");
        let mut line = String::new();
        // Nobody answers who waits for the body. This is how long that is believed of them, and no measure of anything.
        timeout(Duration::from_secs(10), stream.read_line(&mut line)).await.ok()?.expect("an answer");
        line.split(' ').nth(1)?.parse().ok()
    }

    /// Asks as somebody; the status and what was said.
    pub async fn send(&self, method: &str, path: &str, row: &Row, role: Role) -> (u16, String) {
        let response = self.request(method, path, row, role).await.send().await.expect("an answer");
        let status = response.status().as_u16();
        // A stream has no end.
        let endless = response.headers().get("content-type").is_some_and(|media| media == "text/event-stream");
        let text = if endless { String::new() } else { response.text().await.expect("a body") };
        (status, text)
    }
}

async fn write(school: &School, token: &str, student: &Student, week: u8) {
    let body = json!({"enrolment_id": student.enrolment, "week": week, "text": "What I learnt.",
        "visibility": "private"});
    school.service.command(token, "SubmitReflection", body).await;
}

/// The token of an owner of this site whom the configuration does not name.
async fn owner(school: &School) -> String {
    let owner = school.person("Oihane Owner").await;
    school.command("GrantRole", json!({"person_id": owner, "role": "owner"})).await;
    school.service.token(&owner).await
}
