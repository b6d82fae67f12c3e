//! A body that is a long time coming. Whoever sends it is looked at when its head has come, and has lost their right when the rest comes:
//! nothing is done by it.

use chrono::TimeDelta;
use reqwest::{Method, RequestBuilder};
use rollbook_domain::SiteId;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::operations;
use super::scene::{Role, Scene};
use super::table::{self, Body};
use crate::accounts::{PASSWORD, lets_in, post};
use crate::given_up::requests::counts;
use crate::harness::{Service, answer};
use crate::school::School;

/// A request of which all but its head and one byte is still to come.
struct Held {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Held {
    /// Sends the head and a byte, and waits until it was looked up who asks: by a session, whose use is written down after that.
    async fn begin(service: &Service, request: RequestBuilder) -> Self {
        let pool = &service.database.pool;
        let request = request.build().expect("a request");
        let token = token_of(&request);
        let sql = "update tokens set kind = 'session',
            last_used_at = $2::timestamptz - interval '6 minutes' where token_hash = sha256($1)";
        let long_ago = sqlx::query(sql).bind(token.as_bytes()).bind(service.clock.now());
        assert_eq!(long_ago.execute(pool).await.expect("an update").rows_affected(), 1);
        let (url, headers) = (request.url(), request.headers());
        let address = (url.host_str().expect("a host"), url.port().expect("a port"));
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let body = request.body().and_then(reqwest::Body::as_bytes).expect("a body");
        let host = url.host_str().filter(|_| !headers.contains_key("host")).map(|host| ("host", host));
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).chain(host);
        let headers: String = headers.map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
        let target = [url.path(), url.query().unwrap_or_default()].join("?");
        let begin = format!(
            "{} {target} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            request.method(),
            body.len()
        );
        let (first, rest) = body.split_at(1);
        stream.write_all(&[begin.as_bytes(), first].concat()).await.expect("the head is sent");
        let held = Self { stream, rest: rest.to_vec() };
        is_looked_up(service, &token).await;
        held
    }

    /// Sends the rest; what is answered.
    async fn ends(mut self) -> (u16, String) {
        // Whoever was refused before has an answer there already.
        self.stream.write_all(&self.rest).await.ok();
        let mut text = String::new();
        self.stream.read_to_string(&mut text).await.expect("an answer");
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no answer: {text}")), text)
    }
}

fn token_of(request: &reqwest::Request) -> String {
    let header = request.headers().get("authorization").expect("a token").to_str().expect("text");
    header.trim_start_matches("Bearer ").to_owned()
}

async fn is_looked_up(service: &Service, token: &str) {
    let since = (service.clock.now() - TimeDelta::minutes(5)).to_rfc3339();
    let sql = format!("select count(*) from tokens where token_hash = sha256('{token}') and last_used_at > '{since}'");
    counts(&service.database.pool, &sql, 1).await;
}

/// Operations that have answered before they look at the body: there is nothing to be done by it.
const BEFORE_THE_BODY: [&str; 1] = ["link_identity"];

#[tokio::test]
async fn nothing_is_done_by_a_body_whose_senders_right_has_ended_meanwhile() {
    let scene = Scene::set().await;
    let (service, operations) = (scene.service(), operations());
    let before = scene.head().await;
    let (mut held, mut wrong) = (0, Vec::new());
    for row in table::rows().into_iter().filter(|row| !row.allowed.contains(&Role::Nobody)) {
        let operation = operations.iter().find(|operation| operation.id == row.id).expect(row.id);
        if !operation.takes_body || BEFORE_THE_BODY.contains(&row.id) {
            continue;
        }
        let request = scene.request(&operation.method, &operation.path, &row, row.allowed[0]).await;
        let request = if matches!(row.body, Body::None) { request.json(&json!({})) } else { request };
        let (request, token) = with_token(request);
        let begun = Held::begin(service, request).await;
        let (store, now) = (service.executor.store(), service.clock.now());
        assert!(store.revoke_token(SiteId::DEFAULT, &token, now).await.expect("it ends"), "{}", row.id);
        let (status, text) = begun.ends().await;
        if status != 401 {
            wrong.push(format!("{}: {status}, {}", row.id, text.rsplit("\r\n").next().unwrap_or_default()));
        }
        held += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(held > 70, "{held}");
    assert_eq!(scene.head().await, before, "something was done");
}

fn with_token(request: RequestBuilder) -> (RequestBuilder, String) {
    let (client, request) = request.build_split();
    let request = request.expect("a request");
    let token = token_of(&request);
    (RequestBuilder::from_parts(client, request), token)
}

/// Holds a command back while something happens; what it is answered.
async fn held(service: &Service, token: &str, command: &str, body: Value, meanwhile: impl Future<Output = ()>) -> u16 {
    let path = format!("/v1/commands/{command}");
    let begun = Held::begin(service, service.request(Method::POST, token, &path).json(&body)).await;
    meanwhile.await;
    begun.ends().await.0
}

#[tokio::test]
async fn a_super_admin_who_is_none_any_more_does_nothing_elsewhere() {
    for command in ["GrantRole", "OpenSite"] {
        let service = Service::with_super_admin("2026-02-01T00:00:00Z").await;
        let north = service.site("north").await;
        let person = north.create(&north.owner, "RegisterPerson", json!({"name": "A", "email": "a@example.org"})).await;
        let owner = service.get(&service.owner, "/v1/me").await["person_id"].clone();
        let token = service.token(owner.as_str().expect("an id")).await;
        let ends = async {
            // Their address is no longer the one that the configuration names.
            let request = service.request(Method::POST, &service.owner, "/v1/me/email");
            let changed = answer(request.json(&json!({"email": "another@example.org"}))).await;
            assert_eq!(changed.status, 204, "{}", changed.text);
        };
        let (site, body) = match command {
            "GrantRole" => (&north, json!({"person_id": person, "role": "owner"})),
            _ => (&service, json!({"slug": "south", "name": "South", "owner_email": "s@example.org"})),
        };
        let status = held(site, &token, command, body, ends).await;
        assert!(matches!(status, 401 | 403), "{command}: {status}");
    }
}

#[tokio::test]
async fn what_the_school_has_come_to_require_is_required_of_what_was_begun_before() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Hemi").await;
    school.command("GrantRole", json!({"person_id": person, "role": "admin"})).await;
    let session = lets_in(service, &person).await;
    let setting = |value: &str| json!({"setting": {"name": "second_factor", "value": value}});
    let required = async {
        service.command(&school.owner, "SetSiteSetting", setting("owners_and_admins")).await;
        service.get(&school.owner, "/v1/site").await;
    };
    assert_eq!(held(service, &session, "SetSiteSetting", setting("optional"), required).await, 403);
    assert_eq!(service.get(&school.owner, "/v1/site").await["settings"]["second_factor"], "owners_and_admins");
}

#[tokio::test]
async fn a_school_that_has_closed_takes_nothing_that_was_begun_before() {
    let service = Service::with_super_admin("2026-02-01T00:00:00Z").await;
    let north = service.site("north").await;
    let closed = async {
        let close = json!({"site_id": north.site.to_string(), "reason": "it is over"});
        service.command(&service.owner, "CloseSite", close).await;
    };
    assert_eq!(held(&north, &north.owner, "FoundHub", json!({"name": "Eastland"}), closed).await, 410);
}

#[tokio::test]
async fn whoever_has_changed_their_password_is_rid_of_what_another_had_begun() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anna").await;
    let thiefs = lets_in(service, &person).await;
    let own = service.token(&person).await;
    let key = json!({"name": "sheet", "scope": "read", "expires_at": "2026-06-01T00:00:00Z", "password": PASSWORD});
    let begun = Held::begin(service, service.request(Method::POST, &thiefs, "/v1/me/api-keys").json(&key)).await;
    let change = json!({"current": PASSWORD, "new": "eleven blue wekas"});
    assert_eq!(post(service, &own, "/v1/me/password", change).await.status, 204);
    assert_eq!(begun.ends().await.0, 401);
    let listed = answer(service.request(Method::GET, &own, "/v1/me/api-keys")).await;
    assert_eq!(listed.json["items"], json!([]));
}
