//! What a request meets on its way.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use rollbook_domain::SiteId;
use serde_json::json;

use super::{send, send_to};
use crate::layers;
use crate::limits::Counted;

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
        send_to(layers::around(broken, Counted::new(&crate::Limits::default()), SiteId::DEFAULT), get("/broken")).await;
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

#[tokio::test]
async fn offers_no_metrics_where_none_are_kept() {
    assert_eq!(send(get("/metrics")).await.0.as_u16(), 404);
}
