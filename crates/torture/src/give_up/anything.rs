//! Whatever the service can be asked, by its own document: every command and every other operation, with values that fit, most of
//! which it refuses. What it never answers is 500.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use super::patience::Patience;
use crate::Error;
use crate::load::{Answered, School, Sender, Target, answered};

/// What would take this client's own right away, or everybody's: people do that at accounts of their own.
const NOT_FOR_US: [&str; 6] =
    ["sign_out", "sign_out_everywhere", "end_session", "change_password", "revoke_token", "SetSiteSetting"];

/// How many ids are remembered of what was made.
const REMEMBERED: usize = 100;

/// How deep values are nested at most.
const DEPTH: u32 = 6;

/// An operation.
#[derive(Debug)]
struct Operation {
    id: String,
    method: Method,
    path: String,
    parameters: Vec<Value>,
    /// The schema of its JSON, where it takes any.
    body: Option<Value>,
}

/// All operations of the service.
#[derive(Debug)]
pub struct Operations {
    operations: Vec<Operation>,
    document: Value,
}

impl Operations {
    /// Reads the service's document.
    pub async fn read(target: &Target) -> Result<Arc<Self>, Error> {
        let url = format!("{}/openapi.json", target.urls.first().map_or("", String::as_str));
        let document = answered(target.client.get(url)).await.json;
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
                let Ok(method) = method.to_uppercase().parse() else { continue };
                if NOT_FOR_US.contains(&id.as_str()) {
                    continue;
                }
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                operations.push(Operation {
                    id,
                    method,
                    path: path.clone(),
                    parameters: operation["parameters"].as_array().cloned().unwrap_or_default(),
                    body: Some(schema.clone()).filter(|schema| !schema.is_null()),
                });
            }
        }
        if operations.is_empty() {
            return Err(Error::Broken("the service's document has no operation".to_owned()));
        }
        Ok(Arc::new(Self { operations, document }))
    }

    /// The schema that a reference stands for.
    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        let target = value["$ref"].as_str().and_then(|reference| self.document.pointer(reference.strip_prefix('#')?));
        target.unwrap_or(value)
    }

    /// A value that fits a schema, about. Ids are the school's.
    fn value(&self, schema: &Value, ids: &[String], random: &mut StdRng, depth: u32) -> Value {
        let schema = self.resolved(schema);
        for several in ["oneOf", "anyOf", "allOf"] {
            if let Some(choices) = schema[several].as_array().filter(|choices| !choices.is_empty()) {
                return self.value(&choices[random.random_range(0..choices.len())], ids, random, depth + 1);
            }
        }
        if let Some(given) = schema.get("const") {
            return given.clone();
        }
        if let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.is_empty()) {
            return choices[random.random_range(0..choices.len())].clone();
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
        match (kind, schema["format"].as_str().unwrap_or_default()) {
            _ if depth > DEPTH => Value::Null,
            ("string", "uuid") => ids[random.random_range(0..ids.len())].clone().into(),
            ("string", "date") => "2026-02-03".into(),
            ("string", "date-time") => "2026-03-30T00:00:00Z".into(),
            ("string", "email") => format!("x{:x}@example.org", random.random::<u32>()).into(),
            ("string", _) => format!("Text {:x}", random.random::<u32>()).into(),
            ("integer" | "number", _) => random.random_range(1..9).into(),
            ("boolean", _) => random.random::<bool>().into(),
            ("array", _) => json!([self.value(&schema["items"], ids, random, depth + 1)]),
            ("object", _) => self.object(schema, ids, random, depth).into(),
            _ => Value::Null,
        }
    }

    /// The fields that an object must have, and some others.
    fn object(&self, schema: &Value, ids: &[String], random: &mut StdRng, depth: u32) -> Map<String, Value> {
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut object = Map::new();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            if required.iter().any(|required| required == name) || random.random_ratio(1, 4) {
                object.insert(name.clone(), self.value(schema, ids, random, depth + 1));
            }
        }
        object
    }
}

/// Asks for one thing after the other, and goes away in the middle. The school is its own: it cancels its cohorts.
pub async fn ask(
    operations: &Operations,
    target: &Target,
    sender: &Sender,
    (mut random, mut patience): (StdRng, Patience),
    stop: &AtomicBool,
) -> Result<(), Error> {
    let school = School::open(sender, &mut random).await?;
    let mut ids: Vec<String> = school.cohorts.into_iter().chain(school.hubs).collect();
    while !stop.load(Ordering::SeqCst) {
        let operation = &operations.operations[random.random_range(0..operations.operations.len())];
        let mut path = operation.path.clone();
        let mut query = Vec::new();
        for parameter in &operation.parameters {
            let parameter = operations.resolved(parameter);
            let (Some(name), required) = (parameter["name"].as_str(), parameter["required"] == true) else { continue };
            let value = match operations.value(&parameter["schema"], &ids, &mut random, 0) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &value),
                Some("query") if required || random.random_ratio(1, 4) => query.push((name.to_owned(), value)),
                _ => {}
            }
        }
        let url = format!("{}{path}", target.url(&mut random));
        let url = Url::parse_with_params(&url, &query).map_err(|error| Error::Broken(format!("{url}: {error}")))?;
        let mut request = target.client.request(operation.method.clone(), url).bearer_auth(&target.token);
        if let Some(schema) = &operation.body {
            let key = Uuid::from_u128(random.random()).to_string();
            request = request.header("Idempotency-Key", key).json(&operations.value(schema, &ids, &mut random, 0));
        }
        // What is streamed for as long as somebody listens is given up like anything else, and by whoever is patient, too.
        let answer = if operation.path.ends_with("/stream") {
            patience.for_a_while(&operation.id, first(request)).await
        } else {
            patience.for_a_while(&operation.id, answered(request)).await
        };
        let Some(Answered { status, json, .. }) = answer else { continue };
        if status == Some(500) {
            return Err(Error::Broken(format!("{}: 500 {json}", operation.id)));
        }
        if let Some(made) = json["streams"][0]["id"].as_str() {
            ids.push(made.to_owned());
            if ids.len() > REMEMBERED {
                ids.swap_remove(random.random_range(0..REMEMBERED));
            }
        }
    }
    Ok(())
}

/// The beginning of an answer.
async fn first(request: reqwest::RequestBuilder) -> Answered {
    let status = request.send().await.ok().map(|response| response.status().as_u16());
    Answered { status, ..Answered::default() }
}
