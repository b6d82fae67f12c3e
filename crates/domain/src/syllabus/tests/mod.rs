//! The rules of a syllabus, tested: given events, when a command, then events or a rule. What contents are taken, and copies,
//! beside.

mod content;
mod copies;
mod limits;

use std::sync::Arc;

use cqrs_es::test::{AggregateResultValidator, TestFramework};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{MaterialContent, Syllabus, SyllabusCommand, SyllabusEvent, SyllabusFacts, SyllabusRule};
use crate::actor::Authority;
use crate::aggregate::AggregateCommand;
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::cohort::{Cohort, CohortStatus};
use crate::command::Command;
use crate::file::StoredFile;
use crate::given::{self, COHORT, INSTRUCTOR, by, scheduled};
use crate::ids::{MaterialId, UploadId};

const UPLOAD: UploadId = UploadId(Uuid::from_u128(0x70));

fn id(number: u128) -> MaterialId {
    MaterialId(Uuid::from_u128(number))
}

fn cohort(status: CohortStatus) -> Arc<Cohort> {
    let mut cohort = Cohort::default();
    cqrs_es::Aggregate::apply(&mut cohort, scheduled());
    cohort.status = status;
    Arc::new(cohort)
}

fn facts() -> SyllabusFacts {
    SyllabusFacts { cohort: cohort(CohortStatus::Active), content: None, upload_owner: None }
}

/// With the content that a plan would have read.
fn when(given: Vec<SyllabusEvent>, name: &str, body: Value) -> AggregateResultValidator<Syllabus> {
    let content = body["content"].as_str().map(page);
    when_facts(given, name, body, SyllabusFacts { content, ..facts() })
}

fn when_facts(
    given: Vec<SyllabusEvent>,
    name: &str,
    mut body: Value,
    facts: SyllabusFacts,
) -> AggregateResultValidator<Syllabus> {
    body["cohort_id"] = json!(COHORT);
    let Command::Syllabus(command) = given::command(name, body) else { panic!("{name} is about a syllabus") };
    TestFramework::with(()).given(given).when(AggregateCommand {
        command,
        context: by(INSTRUCTOR, Authority::Instructor),
        facts,
    })
}

fn page(markdown: &str) -> MaterialContent {
    MaterialContent::Page { markdown: markdown.to_owned() }
}

fn picture(upload_id: UploadId) -> MaterialContent {
    let file = StoredFile {
        key: format!("sites/1/image/{upload_id}/map.png"),
        name: "map.png".to_owned(),
        size: 7,
        sha256: "00".repeat(32),
        media_type: "image/png".to_owned(),
        webp_key: None,
    };
    MaterialContent::Image { upload_id, file }
}

fn added_with(material: u128, week: u8, position: u16, content: MaterialContent) -> SyllabusEvent {
    SyllabusEvent::MaterialAdded { material_id: id(material), week, position, title: format!("M{material}"), content }
}

fn added(material: u128, week: u8, position: u16) -> SyllabusEvent {
    added_with(material, week, position, page("Läs."))
}

fn moved(material: u128, from_week: u8, week: u8, position: u16) -> SyllabusEvent {
    SyllabusEvent::MaterialMoved { material_id: id(material), from_week, week, position }
}

fn removed(material: u128, week: u8) -> SyllabusEvent {
    SyllabusEvent::MaterialRemoved { material_id: id(material), week }
}

fn adding(material: u128, week: u8, position: Option<u16>) -> Value {
    json!({
        "material_id": id(material), "week": week, "kind": "page", "title": format!("M{material}"), "content": "Läs.",
        "position": position,
    })
}

/// Two materials in week 1 and one in week 2.
fn three() -> Vec<SyllabusEvent> {
    vec![added(1, 1, 1), added(2, 1, 2), added(3, 2, 1)]
}

fn syllabus(events: &[SyllabusEvent]) -> Syllabus {
    let mut syllabus = Syllabus::default();
    for event in events {
        syllabus.apply_event(event);
    }
    syllabus
}

fn order(syllabus: &Syllabus, week: u8) -> Vec<u128> {
    syllabus.weeks.get(&week).into_iter().flatten().map(|material| material.id.0.as_u128()).collect()
}

#[test]
fn adds_a_material_last_or_before_another() {
    when(three(), "AddMaterial", adding(4, 1, None)).then_expect_events(vec![added(4, 1, 3)]);
    when(three(), "AddMaterial", adding(4, 1, Some(1))).then_expect_events(vec![added(4, 1, 1)]);
    when(three(), "AddMaterial", adding(4, 1, Some(900))).then_expect_events(vec![added(4, 1, 3)]);
    when(vec![], "AddMaterial", adding(4, 8, Some(2))).then_expect_events(vec![added(4, 8, 1)]);
}

#[test]
fn adds_the_same_material_once_and_no_other_under_its_id() {
    when(three(), "AddMaterial", adding(1, 1, Some(2))).then_expect_events(vec![]);
    when(three(), "AddMaterial", adding(1, 2, None)).then_expect_error(SyllabusRule::MaterialExists);
    let given = [three(), vec![removed(1, 1)]].concat();
    when(given, "AddMaterial", adding(1, 1, None)).then_expect_error(SyllabusRule::MaterialExists);
}

#[test]
fn the_others_of_a_week_close_up_and_make_room() {
    let mut events = [three(), vec![added(4, 1, 2)]].concat();
    assert_eq!(order(&syllabus(&events), 1), [1, 4, 2]);
    events.push(moved(2, 1, 1, 1));
    assert_eq!(order(&syllabus(&events), 1), [2, 1, 4]);
    events.push(moved(2, 1, 2, 1));
    assert_eq!((order(&syllabus(&events), 1), order(&syllabus(&events), 2)), (vec![1, 4], vec![2, 3]));
    events.push(removed(1, 1));
    assert_eq!(order(&syllabus(&events), 1), [4]);
}

#[test]
fn moves_within_a_week_and_to_another_and_not_to_where_it_is() {
    let body = |week: u8, position: u16| json!({ "material_id": id(1), "week": week, "position": position });
    when(three(), "MoveMaterial", body(1, 2)).then_expect_events(vec![moved(1, 1, 1, 2)]);
    when(three(), "MoveMaterial", body(1, 9)).then_expect_events(vec![moved(1, 1, 1, 2)]);
    when(three(), "MoveMaterial", body(2, 9)).then_expect_events(vec![moved(1, 1, 2, 2)]);
    when(three(), "MoveMaterial", body(1, 1)).then_expect_events(vec![]);
    let last = json!({ "material_id": id(2), "week": 1, "position": 1000 });
    when(three(), "MoveMaterial", last).then_expect_events(vec![]);
}

#[test]
fn changes_what_is_different_and_nothing_else() {
    let update = |title: Option<&str>, content: Option<&str>| SyllabusEvent::MaterialUpdated {
        material_id: id(1),
        week: 1,
        title: title.map(str::to_owned),
        content: content.map(page),
    };
    let body = |title: &str, content: &str| json!({ "material_id": id(1), "title": title, "content": content });
    when(three(), "UpdateMaterial", body("Ny", "Läs.")).then_expect_events(vec![update(Some("Ny"), None)]);
    when(three(), "UpdateMaterial", body("M1", "Skriv.")).then_expect_events(vec![update(None, Some("Skriv."))]);
    when(three(), "UpdateMaterial", body("M1", "Läs.")).then_expect_events(vec![]);
    let changed = syllabus(&[three(), vec![update(Some("Ny"), Some("Skriv."))]].concat());
    let (_, _, material) = changed.find(id(1)).unwrap();
    assert_eq!((material.title.as_str(), &material.content), ("Ny", &page("Skriv.")));
}

#[test]
fn removes_once() {
    when(three(), "RemoveMaterial", json!({ "material_id": id(2) })).then_expect_events(vec![removed(2, 1)]);
    let given = [three(), vec![removed(2, 1)]].concat();
    when(given, "RemoveMaterial", json!({ "material_id": id(2) })).then_expect_events(vec![]);
}

#[test]
fn says_whether_a_material_was_never_there_or_is_not_there_any_more() {
    let given = [three(), vec![removed(2, 1)]].concat();
    for (material, rule) in [(9, SyllabusRule::NoSuchMaterial), (2, SyllabusRule::MaterialWasRemoved)] {
        let update = json!({ "material_id": id(material), "title": "Ny" });
        when(given.clone(), "UpdateMaterial", update).then_expect_error(rule.clone());
        let body = json!({ "material_id": id(material), "week": 1, "position": 1 });
        when(given.clone(), "MoveMaterial", body).then_expect_error(rule);
    }
    let unknown = json!({ "material_id": id(9) });
    when(given, "RemoveMaterial", unknown).then_expect_error(SyllabusRule::NoSuchMaterial);
}

#[test]
fn sets_a_question_and_clears_it() {
    let set = |text: Option<&str>| SyllabusEvent::ReflectionQuestionSet { week: 3, text: text.map(str::to_owned) };
    let asked = json!({ "week": 3, "text": "Och du?" });
    when(vec![], "SetReflectionQuestion", asked.clone()).then_expect_events(vec![set(Some("Och du?"))]);
    when(vec![set(Some("Och du?"))], "SetReflectionQuestion", asked).then_expect_events(vec![]);
    for cleared in [json!({ "week": 3 }), json!({ "week": 3, "text": null })] {
        when(vec![set(Some("Vad?"))], "SetReflectionQuestion", cleared.clone()).then_expect_events(vec![set(None)]);
        when(vec![set(Some("Vad?")), set(None)], "SetReflectionQuestion", cleared).then_expect_events(vec![]);
    }
}

#[test]
fn a_cohort_has_no_week_beyond_its_last() {
    let rule = || SyllabusRule::NoSuchWeek { week: 9, last_week: 8 };
    when(three(), "AddMaterial", adding(4, 9, None)).then_expect_error(rule());
    let body = json!({ "material_id": id(1), "week": 9, "position": 1 });
    when(three(), "MoveMaterial", body).then_expect_error(rule());
    when(three(), "SetReflectionQuestion", json!({ "week": 9, "text": "Och du?" })).then_expect_error(rule());
}

/// A command of each kind that changes something.
fn edits() -> [(&'static str, Value); 5] {
    [
        ("AddMaterial", adding(4, 1, None)),
        ("UpdateMaterial", json!({ "material_id": id(1), "title": "Ny" })),
        ("MoveMaterial", json!({ "material_id": id(1), "week": 2, "position": 1 })),
        ("RemoveMaterial", json!({ "material_id": id(1) })),
        ("SetReflectionQuestion", json!({ "week": 1, "text": "Och du?" })),
    ]
}

#[test]
fn is_edited_until_the_cohort_is_put_away_or_called_off() {
    use CohortStatus::{Active, Archived, Cancelled, Completed, Upcoming};
    for (status, open) in [(Upcoming, true), (Active, true), (Completed, true), (Archived, false), (Cancelled, false)] {
        for (name, body) in edits() {
            let content = (name == "AddMaterial").then(|| page("Läs."));
            let facts = SyllabusFacts { cohort: cohort(status), content, upload_owner: None };
            let result = when_facts(three(), name, body, facts).inspect_result();
            if open {
                assert_eq!(result.unwrap().len(), 1, "{name} when {status}");
            } else {
                assert_eq!(result, Err(SyllabusRule::SyllabusClosed { status }), "{name}");
            }
        }
    }
}

#[test]
fn what_is_so_already_is_no_edit_of_a_closed_cohort() {
    let facts =
        || SyllabusFacts { cohort: cohort(CohortStatus::Archived), content: Some(page("Läs.")), upload_owner: None };
    when_facts(three(), "AddMaterial", adding(1, 1, None), facts()).then_expect_events(vec![]);
    let body = json!({ "material_id": id(1), "title": "M1" });
    when_facts(three(), "UpdateMaterial", body, facts()).then_expect_events(vec![]);
}
