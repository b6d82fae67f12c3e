//! What a request meets on its way.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::{send, send_to, unreachable_with};
use crate::AccountSettings;
use crate::client_address::Peer;
use crate::layers;
use crate::limits::Counted;
use crate::processor::{Kind, Served};

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn is_alive_without_a_database_but_not_ready() {
    let (status, headers, body) = send(get("/healthz")).await;
    assert_eq!((status.as_u16(), body), (200, json!({ "status": "ok" })));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(headers["cache-control"], "no-store");
    let (status, headers, body) = send(get("/readyz")).await;
    assert_eq!((status.as_u16(), &body["code"]), (503, &json!("store_unavailable")));
    assert_eq!(headers["retry-after"], "1");
}

#[tokio::test]
async fn asks_for_a_token_before_anything_else() {
    let command = Request::post("/v1/commands/MarkAttendance").body(Body::from("not json")).unwrap();
    let basic = Request::get("/v1/me").header("authorization", "Basic YTpi").body(Body::empty()).unwrap();
    let empty = Request::get("/v1/me").header("authorization", "Bearer ").body(Body::empty()).unwrap();
    for request in [command, get("/v1/cohorts?limit=0"), get("/v1/audit"), basic, empty] {
        let path = request.uri().clone();
        let (status, headers, body) = send(request).await;
        assert_eq!((status.as_u16(), &body["code"]), (401, &json!("unauthenticated")), "{path}");
        assert_eq!(headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn a_database_that_is_gone_is_no_defect() {
    let request = Request::get("/v1/me").header("authorization", "bearer abc").body(Body::empty()).unwrap();
    let (status, _, body) = send(request).await;
    assert_eq!((status.as_u16(), &body["code"]), (503, &json!("store_unavailable")));
}

#[tokio::test]
async fn answers_unknown_paths_and_methods_with_problems() {
    for path in ["/", "/v1", "/v1/commands/BootstrapOwner", "/v1/commands/Nothing", "/v1/cohorts/1/2/3"] {
        let (status, _, body) = send(get(path)).await;
        assert_eq!((status.as_u16(), &body["code"]), (404, &json!("not_found")), "{path}");
    }
    let (status, headers, body) = send(get("/v1/commands/MarkAttendance")).await;
    assert_eq!((status.as_u16(), &body["code"]), (405, &json!("method_not_allowed")));
    assert_eq!(headers["allow"], "POST");
}

#[tokio::test]
async fn a_panic_is_a_problem_that_says_nothing_but_its_id() {
    let broken = Router::new().route("/broken", axum::routing::get(async || -> () { panic!("a secret") }));
    let (status, headers, body) =
        send_to(layers::around(broken, Counted::new(&crate::Limits::default(), None), Served::DEFAULT), get("/broken"))
            .await;
    assert_eq!((status.as_u16(), &body["code"]), (500, &json!("internal_error")));
    assert!(body["id"].is_string() && !body.to_string().contains("secret"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn the_docs_page_runs_nothing_from_elsewhere() {
    let (status, headers, _) = send(get("/docs")).await;
    assert_eq!(status.as_u16(), 200);
    assert!(headers["content-security-policy"].to_str().unwrap().contains("script-src 'self';"));
    for part in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/start.js"] {
        let (status, headers, _) = send(get(part)).await;
        assert_eq!(status.as_u16(), 200, "{part}");
        assert!(headers["cache-control"].to_str().unwrap().starts_with("public"));
    }
}

/// Where every operation of the document is, with ids for its placeholders.
fn every_operation() -> Vec<(axum::http::Method, String)> {
    let operations = crate::operations().into_iter().map(|operation| {
        let path =
            operation.path.split('/').map(|part| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                None => part.to_owned(),
                Some("week") => "1".to_owned(),
                Some(_) => uuid::Uuid::nil().to_string(),
            });
        let path = path.collect::<Vec<_>>().join("/");
        (operation.method.to_uppercase().parse().unwrap(), path)
    });
    operations.collect()
}

#[tokio::test]
async fn every_answer_is_guarded_and_over_tls_says_that_it_stays_so() {
    let proxies = crate::TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let limits = crate::Limits { proxies, per_address: None, per_token: None, ..crate::Limits::default() };
    let https =
        AccountSettings { public_url: Some("https://school.example.org".to_owned()), ..AccountSettings::default() };
    for (accounts, peer, told, over_tls) in [
        (AccountSettings::default(), "10.0.0.1", Some("https"), true),
        (AccountSettings::default(), "10.0.0.1", Some("http"), false),
        (AccountSettings::default(), "10.0.0.1", None, false),
        // Whoever is no proxy of ours may say what they like.
        (AccountSettings::default(), "203.0.113.7", Some("https"), false),
        (https, "203.0.113.7", None, true),
    ] {
        let routes = unreachable_with(limits.clone(), accounts).service(rollbook_domain::SiteId::DEFAULT);
        for (method, path) in every_operation() {
            let request = Request::builder().method(method.clone()).uri(&path).header("host", "school.example.org");
            let request = request.extension(Peer(peer.parse().unwrap()));
            let request = told.into_iter().fold(request, |request, told| request.header("x-forwarded-proto", told));
            let (status, headers, _) = send_to(routes.clone(), request.body(Body::empty()).unwrap()).await;
            let said = headers.get("strict-transport-security").map(|value| value.to_str().unwrap());
            assert_eq!(said, over_tls.then_some("max-age=31536000"), "{method} {path}: {status}");
            assert_eq!(headers["x-content-type-options"], "nosniff", "{method} {path}");
            assert!(headers.contains_key("content-security-policy"), "{method} {path}");
            let kept = headers["cache-control"].to_str().unwrap();
            assert!(kept == "no-store" || path.starts_with("/docs"), "{method} {path}: {kept}");
        }
    }
}

#[tokio::test]
async fn offers_no_metrics_where_none_are_kept() {
    assert_eq!(send(get("/metrics")).await.0.as_u16(), 404);
}

#[test]
fn what_is_asked_by_get_reads_unless_it_is_answered_by_another_system() {
    let operations = crate::operations();
    let by_get = operations.iter().filter(|operation| operation.method == "get" && operation.kind() != Kind::Read);
    assert_eq!(
        by_get.map(|operation| operation.id).collect::<Vec<_>>(),
        ["sign_in_elsewhere", "sign_in_from_elsewhere"]
    );
    let long = operations.iter().filter(|operation| operation.kind() == Kind::Long).map(|operation| operation.id);
    let long: Vec<_> = long.collect();
    assert!(["ImportRoster", "ImportAttendance"].iter().all(|id| long.contains(id)), "{long:?}");
    assert!(operations.iter().all(|operation| operation.method == "get" || operation.kind() != Kind::Read));
}
