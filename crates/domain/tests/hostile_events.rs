//! Events as they may lie in a log that somebody has written to: decoding says no, or gives an event that is written as it was
//! read; it never panics.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use rollbook_domain::{Event, StreamType};
use serde_json::{Value, json};

/// The payloads of all golden events.
fn payloads() -> Vec<(StreamType, &'static str, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/events");
    let read = |name: &str| {
        let file = folder.join(format!("{name}.v1.json"));
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("the fixture {}: {error}", file.display()))
    };
    Event::type_names().into_iter().map(|(kind, name)| (kind, name, read(name))).collect()
}

/// Any JSON, mostly of what is nearly right.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("0198c1d2-0000-7000-8000-000000000001")),
        Just(json!("2026-02-30T25:00:00Z")),
        Just(json!("+262143-01-01T00:00:00Z")),
        Just(json!(1e300)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,12}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// Puts another value somewhere into one.
fn put(into: &mut Value, path: &[Index], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *into = value;
        return;
    };
    match into {
        Value::Array(items) if !items.is_empty() => put(first.get_mut(items), rest, value),
        Value::Object(fields) if !fields.is_empty() => {
            let name = first.get(&fields.keys().cloned().collect::<Vec<_>>()).clone();
            put(&mut fields[&name], rest, value);
        }
        other => *other = value,
    }
}

fn holds(kind: StreamType, name: &str, version: &str, payload: &str) -> Result<(), TestCaseError> {
    if let Ok(event) = Event::decode(kind, name, version, payload) {
        let written = event.payload().expect("what was read can be written");
        let again = Event::decode(kind, event.type_name(), event.version(), &written).expect("and read again");
        prop_assert_eq!(again, event);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn an_event_with_something_else_in_it_is_refused_or_read_as_it_is_written(
        which: Index, path in prop::collection::vec(any::<Index>(), 0..4), value in values(), version in "[012]|\\PC{0,4}",
    ) {
        let payloads = payloads();
        let (kind, name, payload) = which.get(&payloads);
        let mut payload: Value = serde_json::from_str(payload).expect("JSON");
        put(&mut payload, &path, value);
        holds(*kind, name, &version, &payload.to_string())?;
        holds(*kind, name, "1", &payload.to_string())?;
    }

    #[test]
    fn bytes_that_were_changed_are_refused_or_read_as_they_are_written(
        which: Index, changes in prop::collection::vec((any::<Index>(), any::<char>()), 1..6), cut: Option<Index>,
    ) {
        let payloads = payloads();
        let (kind, name, payload) = which.get(&payloads);
        let mut text: Vec<char> = payload.chars().collect();
        for (place, letter) in changes {
            *place.get_mut(&mut text) = letter;
        }
        let length = cut.map_or(text.len(), |cut| cut.index(text.len()));
        holds(*kind, name, "1", &text[..length].iter().collect::<String>())?;
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for (kind, name, _) in payloads() {
        assert!(Event::decode(kind, name, "1", &deep).is_err());
        assert!(Event::decode(kind, name, "0", &deep).is_err());
    }
}
