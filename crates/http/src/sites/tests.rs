//! Which site a host leads to, without a database.

use axum::body::Body;
use axum::http::{HeaderMap, Request, Uri};
use rollbook_domain::SiteId;
use serde_json::Value;

use super::host::host_of;
use crate::client_address::Peer;
use crate::problem::ApiError;
use crate::tests::{send_to, unreachable};

fn named(uri: &'static str, hosts: &[&'static str]) -> Result<String, ApiError> {
    let headers: HeaderMap = hosts.iter().map(|host| ("host".parse().unwrap(), host.parse().unwrap())).collect();
    host_of(&Uri::from_static(uri), &headers).map(|host| host.to_string())
}

#[test]
fn a_host_is_told_from_its_port_and_its_case() {
    for (header, host) in [
        ("School.Example.org", "school.example.org"),
        ("school.example.org:8080", "school.example.org"),
        ("school.example.org.", "school.example.org"),
        ("[::1]:8080", "[::1]"),
        ("127.0.0.1:80", "127.0.0.1"),
    ] {
        assert_eq!(named("/v1/me", &[header]).unwrap(), host, "{header}");
    }
}

#[test]
fn the_absolute_form_goes_before_the_header() {
    let uri = "http://north.example.org:81/v1/me";
    assert_eq!(named(uri, &["south.example.org"]).unwrap(), "north.example.org");
    assert!(matches!(named(uri, &[]), Err(ApiError::BadHeader(_))), "RFC 9112 asks for the header all the same");
}

#[test]
fn a_host_that_is_missing_double_or_none_is_a_bad_header() {
    for hosts in [&[][..], &["a.example.org", "a.example.org"], &["a.example.org", "b.example.org"], &[""], &["a b"]] {
        assert!(matches!(named("/v1/me", hosts), Err(ApiError::BadHeader(_))), "{hosts:?}");
    }
    for host in ["user@a.example.org", "a.example.org/x", "*.example.org", "a..org", "a_b.org", "[::1", ":80", "a,b"] {
        assert!(matches!(named("/v1/me", &[host]), Err(ApiError::BadHeader(_))), "{host}");
    }
}

/// The answer to a request without a token that comes from this machine: its status and code.
async fn asked(path: &str, host: Option<&str>) -> (u16, Value) {
    asked_from("127.0.0.1", path, host).await
}

async fn asked_from(peer: &str, path: &str, host: Option<&str>) -> (u16, Value) {
    let request = Request::get(path).extension(Peer(peer.parse().unwrap()));
    let request = if let Some(host) = host { request.header("host", host) } else { request };
    let (status, headers, body) = send_to(unreachable().router(), request.body(Body::empty()).unwrap()).await;
    assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    (status.as_u16(), body["code"].clone())
}

#[tokio::test]
async fn this_machine_is_the_default_sites_and_other_hosts_are_nobodys() {
    for host in ["localhost", "localhost:8080", "127.0.0.1", "[::1]:1"] {
        assert_eq!(asked("/v1/me", Some(host)).await, (401, "unauthenticated".into()), "{host}");
    }
    for host in ["school.example.org", "10.0.0.1", "localhost.example.org"] {
        assert_eq!(asked("/v1/me", Some(host)).await, (404, "unknown_host".into()), "{host}");
    }
    assert_eq!(asked("/v1/me", None).await, (400, "bad_header".into()));
}

#[tokio::test]
async fn this_machine_is_nobodys_for_whoever_comes_from_elsewhere_however_it_is_spelt() {
    for host in [
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "127.0.0.1",
        "127.9.9.9",
        "127.1",
        "0x7f.1",
        "[::1]",
        "2130706433",
    ] {
        for (peer, expected) in [
            ("127.0.0.1", (401, "unauthenticated")),
            ("::1", (401, "unauthenticated")),
            ("::ffff:127.0.0.1", (401, "unauthenticated")),
            ("203.0.113.7", (404, "unknown_host")),
            ("10.0.0.1", (404, "unknown_host")),
            ("::ffff:203.0.113.7", (404, "unknown_host")),
        ] {
            let (status, code) = asked_from(peer, "/v1/me", Some(host)).await;
            assert_eq!((status, code.as_str().unwrap()), expected, "{host} from {peer}");
        }
    }
    // What a proxy writes, or pretends to be, is not looked at.
    let request = Request::get("/v1/me").extension(Peer("203.0.113.7".parse().unwrap())).header("host", "localhost");
    let request = request.header("x-forwarded-for", "127.0.0.1").body(Body::empty()).unwrap();
    assert_eq!(send_to(unreachable().router(), request).await.0, 404);
    let request = Request::get("/v1/me").header("host", "localhost").body(Body::empty()).unwrap();
    assert_eq!(send_to(unreachable().router(), request).await.0, 404, "nobody knows from where");
}

#[test]
fn a_port_is_one_or_the_host_is_none() {
    for good in ["a.example.org:1", "a.example.org:65535", "a.example.org:", "a.example.org:080"] {
        assert_eq!(named("/v1/me", &[good]).unwrap(), "a.example.org", "{good}");
    }
    for bad in ["a.example.org:65536", "a.example.org:99999", "[::1]:99999", "a.example.org:4711x"] {
        assert!(matches!(named("/v1/me", &[bad]), Err(ApiError::BadHeader(_))), "{bad}");
    }
    let absolute = named("http://a.example.org:99999/v1/me", &["a.example.org"]);
    assert!(matches!(absolute, Err(ApiError::BadHeader(_))));
}

#[tokio::test]
async fn what_is_the_processs_own_answers_under_any_host() {
    for host in [None, Some("school.example.org"), Some("not a host")] {
        assert_eq!(asked("/healthz", host).await.0, 200, "{host:?}");
        assert_eq!(asked("/readyz", host).await, (503, "store_unavailable".into()), "{host:?}");
    }
}

#[tokio::test]
async fn an_installation_ends_with_those_who_hold_it() {
    let installation = unreachable();
    let (kept, routes) = (installation.kept(), installation.router());
    let service = installation.service(SiteId::DEFAULT);
    drop((installation, routes));
    assert!(kept.get().is_none(), "the services that it keeps do not keep it");
    drop(service);
}
