//! Every event, version 1, as a file that decodes for ever: what a changed event may break shows here first.
//!
//! `fixtures/events/<Type>.v1.json` has every field; `<Type>.v1.minimal.json`, where there are optional ones, has none of
//! them. `<Type>.v1.from_file.json` is the same as an imported file said it, `by_themselves` as the person concerned did it,
//! `later_epoch` after something has ended the person's ways in, `email_before`, `new_device`, `second_factor` and `with_owner_id` with
//! the field of that name: fields that came later, in files of their own. A fixture is never edited; a changed event is a new version with fixtures and
//! an upcaster of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rollbook_domain::{Event, StreamType};
use serde_json::{Map, Value};

struct Fixture {
    file: String,
    event_type: String,
    version: String,
    minimal: bool,
    payload: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/events")
}

fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("the folder of fixtures") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8").to_owned();
        let parts: Vec<_> = file.split('.').collect();
        let (event_type, version, minimal) = match parts[..] {
            [event_type, version, "json"]
            | [
                event_type,
                version,
                "from_file" | "by_themselves" | "later_epoch" | "email_before" | "new_device" | "second_factor"
                | "with_owner_id",
                "json",
            ] => (event_type, version, false),
            [event_type, version, "minimal", "json"] => (event_type, version, true),
            _ => panic!("{file} is not named <Type>.v<version>[.minimal|.<a field that came later>].json"),
        };
        let version = version.strip_prefix('v').expect("v1, v2, …").to_owned();
        let payload = std::fs::read_to_string(&path).expect("a readable file");
        fixtures.push(Fixture { event_type: event_type.to_owned(), version, minimal, payload, file });
    }
    fixtures.sort_by(|a, b| a.file.cmp(&b.file));
    fixtures
}

fn stream_types() -> BTreeMap<&'static str, StreamType> {
    Event::type_names().into_iter().map(|(stream_type, name)| (name, stream_type)).collect()
}

fn decode(fixture: &Fixture, payload: &str) -> Option<Event> {
    let stream_type = *stream_types().get(fixture.event_type.as_str())?;
    Event::decode(stream_type, &fixture.event_type, &fixture.version, payload).ok()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn every_event_type_has_a_fixture_and_every_fixture_an_event_type() {
    let types: BTreeSet<_> = stream_types().into_keys().map(str::to_owned).collect();
    let full = fixtures().into_iter().filter(|fixture| !fixture.minimal && fixture.version == "1");
    let full: BTreeSet<_> = full.map(|fixture| fixture.event_type).collect();
    let differing: Vec<_> = types.symmetric_difference(&full).collect();
    assert!(differing.is_empty(), "a fixture without a type, or a type without one: {differing:?}");
}

#[test]
fn no_two_streams_share_an_event_type() {
    assert_eq!(stream_types().len(), Event::type_names().len());
}

#[test]
fn every_fixture_decodes_to_its_own_type() {
    for fixture in fixtures() {
        let event = decode(&fixture, &fixture.payload).unwrap_or_else(|| panic!("{} does not decode", fixture.file));
        assert_eq!(event.type_name(), fixture.event_type, "{}", fixture.file);
    }
}

#[test]
fn every_fixture_of_todays_version_is_written_as_it_was_read() {
    for fixture in fixtures() {
        let event = decode(&fixture, &fixture.payload).expect("decodes");
        if event.version() == fixture.version {
            assert_eq!(json(&event.payload().expect("encodes")), json(&fixture.payload), "{}", fixture.file);
        }
    }
}

#[test]
fn a_full_fixture_has_every_optional_field() {
    let fixtures = fixtures();
    let full: Vec<_> = fixtures.iter().filter(|fixture| !fixture.minimal).collect();
    // One from before a field came is full as far as it could be then.
    let is_whole = |fixture: &&&Fixture| {
        let of_type = full.iter().filter(|other| other.event_type == fixture.event_type);
        of_type.map(|other| fields(other).len()).max() == Some(fields(fixture).len())
    };
    for fixture in full.iter().filter(is_whole) {
        let event = decode(fixture, &fixture.payload).expect("decodes");
        assert!(!format!("{event:?}").contains("None"), "{} leaves a field out", fixture.file);
    }
}

/// The fixture without one of its fields.
fn without(fixture: &Fixture, field: &str) -> Value {
    let mut payload = json(&fixture.payload);
    payload[&fixture.event_type].as_object_mut().expect("fields").remove(field);
    payload
}

fn fields(fixture: &Fixture) -> Map<String, Value> {
    json(&fixture.payload)[&fixture.event_type].as_object().expect("fields").clone()
}

#[test]
fn what_an_event_can_do_without_is_left_out_of_a_minimal_fixture() {
    let fixtures = fixtures();
    for fixture in fixtures.iter().filter(|fixture| !fixture.minimal) {
        let optional: Vec<_> = fields(fixture)
            .into_iter()
            .map(|(field, _)| field)
            .filter(|field| {
                // An optional field that is left out stays out; one with a default comes back.
                let shorter = without(fixture, field);
                decode(fixture, &shorter.to_string())
                    .is_some_and(|event| json(&event.payload().expect("encodes")) == shorter)
            })
            .collect();
        if optional.is_empty() {
            continue;
        }
        let minimal = fixtures
            .iter()
            .find(|other| {
                other.minimal && (&other.event_type, &other.version) == (&fixture.event_type, &fixture.version)
            })
            .unwrap_or_else(|| panic!("{} has optional fields, so it needs a minimal fixture", fixture.file));
        for field in optional {
            assert!(!fields(minimal).contains_key(&field), "{} has {field}", minimal.file);
        }
    }
}

#[test]
fn a_version_that_nobody_has_written_yet_is_refused() {
    let payload = r#"{"PersonReactivated":{}}"#;
    assert!(Event::decode(StreamType::Person, "PersonReactivated", "2", payload).is_err());
}

#[test]
fn an_event_that_cannot_be_read_is_reported_without_what_it_says() {
    let payload = r#"{"PersonRegistered": {"name": "Zoë", "email": 90210, "external_id": null}}"#;
    for payload in [payload, r#"{"PersonRegistered": {"name": ["Zoë"], "email": "zoe@example.org"}}"#, r#"{"Zoë": {}}"#]
    {
        let error = Event::decode(StreamType::Person, "PersonRegistered", "1", payload).expect_err("unreadable");
        assert!(error.to_string().contains("PersonRegistered"), "{error}");
        assert!(!error.to_string().contains("Zoë") && !error.to_string().contains("90210"), "{error}");
    }
    let error = Event::decode(StreamType::Person, "PersonRegistered", "9", "{}").expect_err("a version to come");
    assert!(error.to_string().contains("version 9"), "{error}");
}
