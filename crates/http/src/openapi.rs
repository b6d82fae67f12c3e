//! The OpenAPI 3.1 document, made from the operations that the router is made of and the types that they read and write.

use std::collections::BTreeSet;

use axum::Extension;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use rollbook_domain::Command;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::operation::{Audience, Operation, Success, open};
use crate::problem::Problem;

/// How a schema is made; what it refers to lands in the generator.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Where the document refers to schemas.
const SCHEMAS: &str = "/components/schemas";

/// Makes the document.
pub fn document(operations: &[Operation]) -> Value {
    let mut read = settings().for_deserialize().into_generator();
    let mut written = settings().for_serialize().into_generator();
    let problem = Value::from(written.subschema_for::<Problem>());
    let mut paths = Map::new();
    let mut commands = Map::new();
    for operation in operations {
        let mut described = described(operation, &mut read, &mut written);
        if let Some(name) = operation.command {
            let schema = Command::schema(name, &mut read).map_or(Value::Null, Value::from);
            described["description"] = schema["description"].clone();
            commands.insert(name.to_owned(), schema);
            described["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": { "$ref": format!("#{SCHEMAS}/{name}") } } },
            });
        }
        if let Some(body) = operation.body {
            let schema = Value::from((body.schema)(&mut read));
            let content = json!({ "application/json": { "schema": schema } });
            described["requestBody"] = json!({ "required": body.required, "content": content });
        }
        if !operation.upload.is_empty() {
            let file = |media: &&str| {
                ((*media).to_owned(), json!({ "schema": { "type": "string", "contentMediaType": media } }))
            };
            let content: Map<String, Value> = operation.upload.iter().map(file).collect();
            described["requestBody"] = json!({ "required": true, "content": content });
        }
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.method] = described;
    }
    let mut schemas = read.take_definitions(true);
    schemas.extend(written.take_definitions(true));
    schemas.extend(commands);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rollbook",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Courses in cohorts. Commands append events; queries read what the events add up to. \
                Every query's answer says in `Rollbook-Position` which position of the log it is of; give a command's \
                `position` as `min_position` to read what it did.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "session": [] }],
        "tags": [
            { "name": "commands", "description": "What can be done; each is refused or done as a whole, and once per Idempotency-Key." },
            { "name": "queries", "description": "What can be read." },
            { "name": "operations", "description": "The service itself." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-rollbook" },
            },
            "responses": { "Problem": {
                "description": "A problem (RFC 9457); `code` is stable.",
                "content": { "application/problem+json": { "schema": problem } },
            } },
        },
    })
}

/// The document as it is served.
#[derive(Clone, Debug)]
pub struct Served(pub Bytes);

/// The document's own operation.
pub fn operations() -> Vec<Operation> {
    let summary = "This document";
    vec![open("openapi", "/openapi.json", summary, Success::Other("application/json"), get(serve))]
}

async fn serve(Extension(Served(document)): Extension<Served>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], document)
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = SCHEMAS.into();
        settings.meta_schema = None;
    })
}

fn described(operation: &Operation, read: &mut SchemaGenerator, written: &mut SchemaGenerator) -> Value {
    let tag = match (operation.command, operation.path.starts_with("/v1/") && operation.method == "get") {
        (Some(_), _) => "commands",
        (None, true) => "queries",
        (None, false) if !operation.upload.is_empty() => "commands",
        (None, false) => "operations",
    };
    let mut described = json!({
        "operationId": operation.id,
        "tags": [tag],
        "summary": operation.summary,
        "parameters": parameters(operation, read),
        "responses": responses(operation, written),
    });
    if operation.audience == Audience::Anybody {
        described["security"] = json!([]);
    }
    if operation.audience == Audience::SuperAdmins {
        described["description"] = "For super admins, on a host of the default site.".into();
    }
    if operation.audience == Audience::Admins {
        described["description"] = "For owners and admins.".into();
    }
    described
}

fn parameters(operation: &Operation, schemas: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    let names = operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    for (name, schema) in names.zip(operation.address) {
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema(schemas).to_value() }));
    }
    for schema in &operation.query {
        let object = schema(schemas).to_value();
        let required: BTreeSet<&str> =
            object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, schema) in object["properties"].as_object().into_iter().flatten() {
            parameters.push(parameter("query", name, present(schema.clone()), required.contains(name.as_str())));
        }
    }
    for header in operation.headers {
        let schema = json!({ "type": "string", "pattern": header.pattern });
        let mut described = parameter("header", header.name, schema, false);
        described["description"] = header.description.into();
        parameters.push(described);
    }
    if operation.command.is_some() {
        let id = json!({ "type": "string", "format": "uuid" });
        let key = "The command's id. The same key again gives the same receipt; without one the server makes it.";
        let version = "The version in quotes that the command's own stream must have, else 412.";
        let correlation = "What ties this command to others.";
        let quoted = json!({ "type": "string", "pattern": "^\"[0-9]{1,18}\"$" });
        for (name, schema, text) in
            [("Idempotency-Key", id.clone(), key), ("If-Match", quoted, version), ("X-Correlation-Id", id, correlation)]
        {
            let mut header = parameter("header", name, schema, false);
            header["description"] = text.into();
            parameters.push(header);
        }
    }
    parameters
}

fn parameter(place: &str, name: &str, mut schema: Value, required: bool) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({ "name": name, "in": place, "required": required, "schema": schema });
    if let Some(description) = description {
        parameter["description"] = description;
    }
    parameter
}

/// A parameter that is left out is absent, never null.
fn present(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array().filter(|types| types.contains(&json!("null"))) {
        let types: Vec<Value> = types.iter().filter(|kind| **kind != json!("null")).cloned().collect();
        schema["type"] = if let [only] = types.as_slice() { only.clone() } else { types.into() };
    } else if let Some(any) = schema["anyOf"].as_array() {
        let any: Vec<Value> = any.iter().filter(|one| one["type"] != json!("null")).cloned().collect();
        schema["anyOf"] = any.into();
    }
    schema
}

/// The success and the problems.
fn responses(operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let query = operation.method == "get" && operation.audience != Audience::Anybody;
    let (status, mut success) = match operation.success {
        Success::Json(schema) | Success::JsonOrMore(schema, _) => {
            ("200", json!({ "content": { "application/json": { "schema": Value::from(schema(schemas)) } } }))
        }
        Success::Page { item, columns, ndjson } => {
            let page = json!({
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": { "type": "array", "items": Value::from(item(schemas)) },
                    "next": { "type": ["string", "null"], "description": "What `after` takes to go on; null at the end." },
                },
            });
            let mut content = json!({ "application/json": { "schema": page } });
            if !columns.is_empty() {
                content["text/csv"] = json!({ "schema": { "type": "string" } });
            }
            if ndjson {
                content["application/x-ndjson"] = json!({ "schema": { "type": "string" } });
            }
            ("200", json!({ "content": content }))
        }
        Success::Events(item) => {
            let data = json!({ "type": "string", "contentMediaType": "application/json",
                "contentSchema": Value::from(item(schemas)),
                "description": "Of every event, `id` is its position, `event` its type, and `data` this." });
            ("200", json!({ "content": { "text/event-stream": { "schema": data } } }))
        }
        Success::Other(media) => ("200", json!({ "content": { media: { "schema": { "type": "string" } } } })),
        Success::Nothing => ("204", json!({})),
        Success::Accepted => ("202", json!({})),
        Success::Redirect => ("303", json!({})),
    };
    success["description"] = "Done.".into();
    if query {
        success["headers"] = json!({ "Rollbook-Position": {
            "description": "The position of the log that the answer is of, at least.",
            "required": true,
            "schema": { "type": "integer", "format": "int64", "minimum": 0 },
        } });
    }
    let mut responses = json!({ status: success });
    if let Success::JsonOrMore(_, more) = operation.success {
        let content = json!({ "application/json": { "schema": Value::from(more(schemas)) } });
        responses["202"] = json!({ "description": "More is asked for.", "content": content });
    }
    for status in problems(operation).iter().chain(&EVERYWHERE) {
        responses[*status] = json!({ "$ref": "#/components/responses/Problem" });
    }
    responses
}

/// What is refused before it is looked at: for no host, or for that of no site or a closed one; too long, too often, too large.
const EVERYWHERE: [&str; 6] = ["400", "404", "410", "414", "429", "431"];

/// What commands and files can be refused with.
const WRITES: [&str; 12] = ["400", "401", "403", "404", "409", "412", "413", "415", "422", "500", "503", "507"];

/// The problems that its kind of operation can have.
fn problems(operation: &Operation) -> &'static [&'static str] {
    if let Some(body) = operation.body {
        return body.problems;
    }
    if !operation.upload.is_empty() {
        return &WRITES;
    }
    match (operation.audience, operation.command, operation.address) {
        // The way to another system and back.
        (Audience::Anybody, ..) if matches!(operation.success, Success::Redirect) => {
            &["400", "403", "404", "422", "500", "503"]
        }
        (Audience::Anybody, _, []) => &["500", "503"],
        (Audience::Anybody, ..) => &["404", "500", "503"],
        (_, Some(_), _) => &WRITES,
        (Audience::Admins, None, []) if !operation.headers.is_empty() => &["400", "401", "403", "422", "500", "503"],
        (Audience::Admins, None, []) => &["401", "403", "422", "500", "503"],
        (Audience::SuperAdmins | Audience::Admins | Audience::Bearers, None, _) if operation.method != "get" => {
            &["401", "403", "404", "409", "422", "500", "503"]
        }
        (Audience::SuperAdmins | Audience::Admins | Audience::Bearers, None, _) => {
            &["401", "403", "404", "422", "500", "503"]
        }
    }
}
