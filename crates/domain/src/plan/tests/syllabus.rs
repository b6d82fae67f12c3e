//! Syllabus commands as plans: what they read, whose file it is, and a cohort that begins with another's content.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Plan, StreamWrite};
use crate::claim::ClaimKey;
use crate::cohort::CohortRule;
use crate::command::Command;
use crate::file::StoredFile;
use crate::given;
use crate::ids::{CohortId, MaterialId, StreamType, SyllabusId, UploadId};
use crate::plan::given::*;
use crate::refusal::Refusal;
use crate::syllabus::{SyllabusCommand, SyllabusRule};

const NEW: CohortId = CohortId(Uuid::from_u128(12));
const UPLOAD: UploadId = UploadId(Uuid::from_u128(0x70));

fn add(kind: &str, content: &str) -> Command {
    let mut command = given::command(
        "AddMaterial",
        json!({ "cohort_id": COHORT, "week": 1, "kind": kind, "title": "Läs", "content": content }),
    );
    command.fill_ids(Uuid::new_v4);
    command
}

fn material(command: &Command) -> Option<MaterialId> {
    let Command::Syllabus(SyllabusCommand::AddMaterial(command)) = command else { panic!("it adds a material") };
    command.material_id
}

fn uploaded(media_type: &str) -> StoredFile {
    StoredFile {
        key: "sites/1/x".to_owned(),
        name: "x".to_owned(),
        size: 1,
        sha256: String::new(),
        media_type: media_type.to_owned(),
        webp_key: None,
    }
}

fn schedule(module: u128, copy_from: Value) -> Command {
    let mut body = json!({
        "cohort_id": NEW, "module_id": Uuid::from_u128(module), "name": "Herbst", "starts_on": "2025-08-19",
        "session_start": "19:00", "timezone": "UTC",
    });
    body["copy_from"] = copy_from;
    given::command("ScheduleCohort", body)
}

/// The school's cohorts are of module 40.
fn school() -> School {
    let mut school = School::new();
    for module in [40, 41] {
        let defined =
            crate::module::ModuleEvent::ModuleDefined { code: module.to_string(), title: "M".to_owned(), weeks: 8 };
        school.happened(crate::ModuleId(Uuid::from_u128(module)), [defined]);
    }
    school
}

fn rule(result: Result<Plan, Refusal>) -> Refusal {
    result.expect_err("a refusal")
}

#[test]
fn a_syllabus_begins_with_its_first_material() {
    let plan = school().plan(add("page", "Läs.")).unwrap();
    let [StreamWrite { stream, expected_version: 0, events }] = &plan.writes[..] else { panic!("{:?}", plan.writes) };
    assert_eq!((stream.kind, stream.id, events.len()), (StreamType::Syllabus, COHORT.0, 1));
}

#[test]
fn a_content_that_is_not_of_its_kind_is_a_field_that_cannot_be_taken() {
    for (kind, content) in
        [("video", "https://vimeo.com/1"), ("link", "javascript:alert(1)"), ("document", "notes.pdf")]
    {
        assert_eq!(invalid(school().plan(add(kind, content))), ["/content"], "{kind}");
    }
    let unknown = add("document", &UPLOAD.to_string());
    assert_eq!(invalid(school().plan(unknown.clone())), ["/content"], "no such upload");
    let mut picture = unknown;
    picture.attach(uploaded("image/png"));
    assert_eq!(invalid(school().plan(picture)), ["/content"], "a picture is no document");
    let update = given::command("UpdateMaterial", json!({ "cohort_id": COHORT, "material_id": Uuid::nil() }));
    assert_eq!(invalid(school().plan(update)), [""], "nothing to change");
}

#[test]
fn an_upload_is_taken_with_its_material_and_by_no_other() {
    let mut school = school();
    let mut first = add("document", &UPLOAD.to_string());
    first.attach(uploaded("application/pdf"));
    school.carry_out(first.clone()).unwrap();
    assert_eq!(school.owner(&ClaimKey::upload(UPLOAD)), material(&first).map(Into::into));
    assert!(school.carry_out(first).unwrap().writes.is_empty(), "the same again");
    let mut other = add("document", &UPLOAD.to_string());
    other.attach(uploaded("application/pdf"));
    assert_eq!(rule(school.plan(other)), SyllabusRule::UploadUsed.into());
}

#[test]
fn the_file_that_a_material_has_is_no_news_also_when_its_upload_is_not_to_be_had_any_more() {
    let mut school = school();
    let mut first = add("image", &UPLOAD.to_string());
    first.attach(uploaded("image/png"));
    school.carry_out(first.clone()).unwrap();
    let update = json!({ "cohort_id": COHORT, "material_id": material(&first), "content": UPLOAD.to_string() });
    assert!(school.plan(given::command("UpdateMaterial", update)).unwrap().writes.is_empty());
}

#[test]
fn a_cohort_begins_with_the_content_of_another_run_in_one_append() {
    let mut school = school();
    school.carry_out(add("page", "Läs.")).unwrap();
    let plan = school.carry_out(schedule(40, json!(COHORT))).unwrap();
    let kinds: Vec<_> =
        plan.writes.iter().map(|write| (write.stream.kind, write.stream.id, write.events.len())).collect();
    assert_eq!(kinds, [(StreamType::Cohort, NEW.0, 1), (StreamType::Syllabus, NEW.0, 1)]);
    assert!(plan.claims.takes.is_empty(), "{:?}", plan.claims);
    assert_eq!(plan.writes[1].stream, SyllabusId::from(NEW).into());
}

#[test]
fn a_cohort_without_content_gives_none() {
    let plan = school().plan(schedule(40, json!(COHORT))).unwrap();
    assert_eq!(plan.writes.len(), 1);
}

#[test]
fn content_comes_from_a_run_of_the_same_module_only() {
    assert_eq!(rule(school().plan(schedule(41, json!(COHORT)))), CohortRule::CopyFromOtherModule.into());
    let unknown = CohortId(Uuid::from_u128(99));
    assert_eq!(rule(school().plan(schedule(40, json!(unknown)))), Refusal::NotFound(unknown.into()));
}
