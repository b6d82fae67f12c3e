//! The OpenAPI document: whole, true, and about every route.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use rollbook_domain::Command;
use serde_json::{Value, json};

use super::send;
use crate::document;

/// What is for whoever has not signed in yet.
const SIGNING_IN: [&str; 7] = [
    "/v1/sign-in",
    "/v1/sign-in/{provider}",
    "/v1/sign-in/{provider}/callback",
    "/v1/invitations/accept",
    "/v1/password-resets",
    "/v1/second-factor",
    "/v1/second-factor/challenge",
];

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap();
        methods.iter().map(move |(method, operation)| (path.clone(), method.clone(), operation.clone()))
    });
    each.collect()
}

fn visit(value: &Value, see: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            see(name, value);
            visit(value, see);
        }),
        Value::Array(values) => values.iter().for_each(|value| visit(value, see)),
        _ => {}
    }
}

#[tokio::test]
async fn is_served_to_everybody() {
    let (status, headers, served) = send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(status.as_u16(), 200);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(served, document());
    assert_eq!(served["openapi"], "3.1.0");
}

#[tokio::test]
async fn every_operation_is_reachable() {
    for (path, method, operation) in operations(&document()) {
        if path == "/metrics" {
            continue;
        }
        let address =
            path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect::<Vec<_>>().join("/");
        let request =
            Request::builder().method(method.to_uppercase().as_str()).uri(&address).body(Body::empty()).unwrap();
        let (status, _, _) = send(request).await;
        let expected: &[u16] = if operation["security"].is_null() { &[401] } else { &[200, 303, 404, 415, 503] };
        assert!(expected.contains(&status.as_u16()), "{method} {path}: {status}");
    }
}

#[test]
fn every_command_is_an_operation_with_a_body_of_its_own() {
    let document = document();
    for name in Command::NAMES {
        let operation = &document["paths"][format!("/v1/commands/{name}")]["post"];
        assert_eq!(operation["operationId"], *name);
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(*body, json!({ "$ref": format!("#/components/schemas/{name}") }));
        let schema = &document["components"]["schemas"][name];
        assert_eq!(schema["type"], "object", "{name}");
        assert_eq!(schema["additionalProperties"], false, "{name}");
        assert!(operation["description"].is_string(), "{name}");
        for status in ["200", "400", "401", "403", "404", "409", "412", "413", "415", "422", "500", "503"] {
            assert!(operation["responses"][status].is_object(), "{name} {status}");
        }
    }
    assert!(document["paths"]["/v1/commands/BootstrapOwner"].is_null());
}

#[test]
fn every_reference_resolves() {
    let document = document();
    let mut seen = 0;
    visit(&document, &mut |name, value| {
        if name == "$ref" {
            let pointer = value.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some_and(|found| !found.is_null()), "{value}");
            seen += 1;
        }
        assert!(!["$defs", "definitions", "$schema"].contains(&name), "{name}");
    });
    assert!(seen > Command::NAMES.len());
}

#[test]
fn operations_are_described_whole() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let at = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}: its name is not its own");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{at}");
        let parameters = operation["parameters"].as_array().unwrap();
        let placeholders = path.matches('{').count();
        assert_eq!(parameters.iter().filter(|p| p["in"] == "path").count(), placeholders, "{at}");
        let names: BTreeSet<_> = parameters.iter().map(|p| (p["in"].to_string(), p["name"].to_string())).collect();
        assert_eq!(names.len(), parameters.len(), "{at}: a parameter is there twice");
        for parameter in parameters {
            assert!(parameter["schema"].is_object(), "{at}: {parameter}");
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{at}");
        let secured = operation["security"].is_null();
        assert_eq!(secured, path.starts_with("/v1/") && !SIGNING_IN.contains(&path.as_str()), "{at}");
        assert!(responses.contains_key("401") || !secured, "{at}");
    }
}
