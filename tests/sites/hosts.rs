//! Where a site answers, whom its hosts let in, and what becomes of other hosts.

use std::io::{Read, Write};
use std::net::TcpStream;

use rollbook_http::UnknownHosts;
use rollbook_store::Clock;
use serde_json::json;

use super::{NOW, Student, is_problem};
use crate::harness::{Database, Hosting, Service, at, eventually};

/// Long enough for a moment, however busy the machine is.
const A_MOMENT: std::time::Duration = std::time::Duration::from_secs(30);

#[tokio::test]
async fn a_host_moves_from_one_school_to_another() {
    let service = Service::with_super_admin(NOW).await;
    let (north, south) = (service.site("north").await, service.site("south").await);
    let set = async |site: &Service, hosts: serde_json::Value| {
        service.send(&service.owner, "SetSiteHosts", json!({"site_id": site.site, "hosts": hosts})).await
    };
    let shared = json!([{"host": "South.Example.org"}, {"host": "learn.example.org"}]);
    is_problem(&set(&north, shared.clone()).await, 409, "host_taken");
    assert_eq!(set(&south, json!([])).await.status, 200);
    is_problem(&south.ask(&south.owner, "/v1/me").await, 404, "unknown_host");
    assert_eq!(set(&north, shared).await.status, 200);

    let at_south = north.at_host("south.example.org:8443");
    assert_eq!(at_south.ask(&north.owner, "/v1/me").await.json["email"], "owner@north.example.org");
    is_problem(&at_south.ask(&south.owner, "/v1/me").await, 401, "unauthenticated");
    is_problem(&north.ask(&north.owner, "/v1/me").await, 404, "unknown_host");
}

#[tokio::test]
async fn another_process_answers_on_a_new_host_and_a_closed_school_answers_nobody() {
    let service = Service::with_super_admin(NOW).await;
    let hosting = Hosting { super_admins: vec!["owner@example.org"], ..Hosting::default() };
    let other = Service::hosting(service.database.clone(), service.clock.clone(), hosting).await;
    let north = service.site("north").await;
    let there = other.at_host("north.example.org");
    // The other process hears of it a moment later, by itself.
    let comes_to = async |what: &str, status| {
        let answers = async || (there.ask(&north.owner, "/v1/me").await.status == status).then_some(());
        eventually(A_MOMENT, what, answers).await;
    };
    comes_to("a new host is known everywhere", 200).await;

    let close = json!({"site_id": north.site, "reason": "the building is sold"});
    service.command(&service.owner, "CloseSite", close).await;
    for path in ["/v1/me", "/v1/cohorts", "/calendar/x.ics", "/openapi.json", "/docs"] {
        is_problem(&north.ask(&north.owner, path).await, 410, "site_closed");
        is_problem(&north.ask(&service.owner, path).await, 410, "site_closed");
    }
    is_problem(&north.send(&north.owner, "FoundHub", json!({"name": "x"})).await, 410, "site_closed");
    assert_eq!(north.ask("", "/healthz").await.status, 200);
    comes_to("a closed site is closed everywhere", 410).await;
    service.command(&service.owner, "ReopenSite", json!({"site_id": north.site})).await;
    assert_eq!(north.ask(&north.owner, "/v1/me").await.status, 200, "everything is kept");
}

#[tokio::test]
async fn hosts_let_in_whom_they_are_for() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let own = Student::in_site(&north).await;
    let hosts = json!([{"host": "north.example.org"}, {"host": "learn.example.org", "admits": "students"},
        {"host": "office.example.org", "admits": "staff"}]);
    service.command(&service.owner, "SetSiteHosts", json!({"site_id": north.site, "hosts": hosts})).await;
    let (learn, office) = (north.at_host("learn.example.org"), north.at_host("office.example.org"));

    let register = json!({"name": "Marama", "email": "marama@example.org"});
    let marker = north.create(&north.owner, "RegisterPerson", register).await;
    let (student, marker_token) = (north.token(&own.person).await, north.token(&marker).await);
    for (who, token, at_learn, at_office) in [
        ("a student", &student, 200, 403),
        ("somebody without any part", &marker_token, 403, 403),
        ("an owner", &north.owner, 403, 200),
        ("a super admin", &service.owner, 403, 200),
    ] {
        for (host, status) in [(&learn, at_learn), (&office, at_office), (&north, 200)] {
            let asked = host.ask(token, "/v1/cohorts").await;
            assert_eq!(asked.status, status, "{who}: {}", asked.text);
            if status == 403 {
                is_problem(&asked, 403, "wrong_host");
                is_problem(&host.send(token, "FoundHub", json!({"name": "x"})).await, 403, "wrong_host");
            }
        }
    }
    let appoint = json!({"cohort_id": own.cohort, "person_id": marker});
    north.command(&north.owner, "AppointMarker", appoint.clone()).await;
    assert_eq!(office.ask(&marker_token, "/v1/cohorts").await.status, 200, "at the next request");
    north.command(&north.owner, "DismissMarker", appoint).await;
    is_problem(&office.ask(&marker_token, "/v1/cohorts").await, 403, "wrong_host");
    assert_eq!(learn.ask("", "/openapi.json").await.status, 200, "what is for everybody is for everybody");
}

#[tokio::test]
async fn an_unknown_host_is_the_default_sites_where_the_configuration_says_so() {
    let hosting = Hosting { unknown_hosts: UnknownHosts::Default, ..Hosting::default() };
    let service = Service::hosting(Database::create().await, Clock::frozen(at(NOW)), hosting).await;
    let anywhere = service.at_host("anything.example.org");
    assert_eq!(anywhere.ask(&service.owner, "/v1/me").await.status, 200);
    let strict = Service::start(NOW).await;
    is_problem(&strict.at_host("anything.example.org").ask(&strict.owner, "/v1/me").await, 404, "unknown_host");
    assert_eq!(strict.at_host("localhost:1234").ask(&strict.owner, "/v1/me").await.status, 200);
    assert_eq!(strict.at_host("anything.example.org").ask("", "/readyz").await.status, 200);
}

#[tokio::test]
async fn this_machine_is_a_schools_that_claims_it() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let hosts = json!([{"host": "north.example.org"}, {"host": "localhost"}]);
    service.command(&service.owner, "SetSiteHosts", json!({"site_id": north.site, "hosts": hosts})).await;
    let local = north.at_host("localhost");
    assert_eq!(local.ask(&north.owner, "/v1/site").await.json["slug"], "north");
    assert_eq!(service.ask(&service.owner, "/v1/site").await.json["slug"], "default");
}

/// What comes back for bytes as they are: the status line.
fn raw(service: &Service, request: &str) -> String {
    whole(service, request).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_header_is_there_once_and_the_absolute_form_goes_before_it() {
    let service = Service::with_super_admin(NOW).await;
    service.site("north").await;
    let end = "Connection: close\r\n\r\n";
    for (request, status) in [
        (format!("GET /v1/me HTTP/1.1\r\n{end}"), "400"),
        (format!("GET /v1/me HTTP/1.1\r\nHost: north.example.org\r\nHost: south.example.org\r\n{end}"), "400"),
        (format!("GET /v1/me HTTP/1.1\r\nHost: north.example.org/x\r\n{end}"), "400"),
        (format!("GET /v1/me HTTP/1.1\r\nHost: north.example.org\r\n{end}"), "401"),
        (format!("GET /v1/me HTTP/1.1\r\nHost: nobody.example.org\r\n{end}"), "404"),
        (format!("GET http://north.example.org/v1/me HTTP/1.1\r\nHost: nobody.example.org\r\n{end}"), "401"),
        (format!("GET http://nobody.example.org/v1/me HTTP/1.1\r\nHost: north.example.org\r\n{end}"), "404"),
        (format!("GET /healthz HTTP/1.0\r\n{end}"), "200"),
    ] {
        let line = tokio::task::block_in_place(|| raw(&service, &request));
        assert_eq!(line.split(' ').nth(1), Some(status), "{request}{line}");
    }
}

/// The whole answer to bytes as they are.
fn whole(service: &Service, request: &str) -> String {
    let mut stream = TcpStream::connect(service.url.trim_start_matches("http://")).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[tokio::test]
async fn this_machine_is_the_default_sites_until_that_has_a_host_of_its_own() {
    let service = Service::with_super_admin(NOW).await;
    let own = Student::in_site(&service).await;
    let student = service.token(&own.person).await;
    let loopback = [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1",
        "127.9.9.9:1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "[::1]",
        "localhost.",
    ];
    for host in loopback {
        assert_eq!(service.at_host(host).ask(&student, "/v1/cohorts").await.status, 200, "{host}");
    }
    let office = json!([{"host": "office.example.org", "admits": "staff"}]);
    let office = service.send(&service.owner, "SetSiteHosts", json!({"site_id": service.site, "hosts": office})).await;
    assert_eq!(office.status, 200, "{}", office.text);
    let office = service.at_host("office.example.org");
    is_problem(&office.ask(&student, "/v1/cohorts").await, 403, "wrong_host");
    assert_eq!(office.ask(&service.owner, "/v1/cohorts").await.status, 200);
    for host in loopback {
        is_problem(&service.at_host(host).ask(&student, "/v1/cohorts").await, 404, "unknown_host");
        is_problem(&service.at_host(host).ask(&service.owner, "/v1/cohorts").await, 404, "unknown_host");
    }
}

#[tokio::test]
async fn an_unknown_host_grants_nothing_that_no_host_of_the_default_site_would() {
    let hosting =
        Hosting { unknown_hosts: UnknownHosts::Default, super_admins: vec!["owner@example.org"], ..Hosting::default() };
    let service = Service::hosting(Database::create().await, Clock::frozen(at(NOW)), hosting).await;
    let set = async |hosts: serde_json::Value, from: &Service| {
        let set = json!({"site_id": service.site, "hosts": hosts});
        assert_eq!(from.send(&service.owner, "SetSiteHosts", set).await.status, 200);
    };
    let anywhere = service.at_host("anything.example.org");
    let office = json!({"host": "office.example.org", "admits": "staff"});
    set(json!([office]), &service).await;
    is_problem(&anywhere.ask(&service.owner, "/v1/me").await, 404, "unknown_host");
    let everybody = json!([office, {"host": "school.example.org"}]);
    set(everybody, &service.at_host("office.example.org")).await;
    assert_eq!(anywhere.ask(&service.owner, "/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_calendar_opens_where_its_person_may_come_in() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let own = Student::in_site(&north).await;
    let hosts = json!([{"host": "north.example.org"}, {"host": "learn.example.org", "admits": "students"},
        {"host": "office.example.org", "admits": "staff"}]);
    service.command(&service.owner, "SetSiteHosts", json!({"site_id": north.site, "hosts": hosts})).await;
    let (learn, office) = (north.at_host("learn.example.org"), north.at_host("office.example.org"));
    let calendar = async |token: &str| {
        let made = crate::harness::answer(north.request(reqwest::Method::POST, token, "/v1/me/calendar-link")).await;
        made.json["path"].as_str().expect("a path").to_owned()
    };
    let student = north.token(&own.person).await;
    for (token, at_learn, at_office) in [(&student, 200, 403), (&north.owner, 403, 200)] {
        let path = calendar(token).await;
        for (host, status) in [(&learn, at_learn), (&office, at_office), (&north, 200)] {
            let opened = host.ask("", &path).await;
            assert_eq!(opened.status, status, "{}", opened.text);
            if status == 403 {
                is_problem(&opened, 403, "wrong_host");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_where_the_registry_says_and_nowhere_that_a_request_writes() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let register = json!({"name": "Marama", "email": "marama@example.org"});
    let person = north.create(&north.owner, "RegisterPerson", register).await;
    let hosts = json!([{"host": "office.example.org", "admits": "staff"}, {"host": "north.example.org"}]);
    service.command(&service.owner, "SetSiteHosts", json!({"site_id": north.site, "hosts": hosts})).await;
    let path = format!("/v1/people/{person}/invitation");
    let end = format!(
        "Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}",
        north.owner
    );
    for request in [
        format!("POST http://north.example.org{path} HTTP/1.1\r\nHost: evil.example\r\n{end}"),
        format!("POST {path} HTTP/1.1\r\nHost: north.example.org:4711\r\n{end}"),
        format!("POST {path} HTTP/1.1\r\nHost: NORTH.example.org.\r\n{end}"),
        // By the host for staff, whom it is made for cannot come in.
        format!("POST {path} HTTP/1.1\r\nHost: office.example.org\r\n{end}"),
    ] {
        let answer = tokio::task::block_in_place(|| whole(&service, &request));
        assert!(answer.contains("\"link\":\"https://north.example.org/invitation#"), "{request}{answer}");
    }
    for port in ["99999", "x", "-1", "08080808080"] {
        let request = format!("GET /v1/me HTTP/1.1\r\nHost: north.example.org:{port}\r\nConnection: close\r\n\r\n");
        let line = tokio::task::block_in_place(|| raw(&service, &request));
        assert_eq!(line.split(' ').nth(1), Some("400"), "{port}: {line}");
    }
    // The default site has no host: its links lead to where the connection came, whatever the request says.
    let register = json!({"name": "Rewi", "email": "rewi@example.org"});
    let person = service.create(&service.owner, "RegisterPerson", register).await;
    let end = end.replace(&north.owner, &service.owner);
    let request = format!("POST /v1/people/{person}/invitation HTTP/1.1\r\nHost: 127.9.9.9:4711\r\n{end}");
    let answer = tokio::task::block_in_place(|| whole(&service, &request));
    assert!(answer.contains(&format!("\"link\":\"{}/invitation#", service.url)), "{answer}");
}
