//! How much a syllabus takes, and whose an uploaded file is.

use super::*;

#[test]
fn takes_a_thousand_materials_and_no_more() {
    let of_week = |week: u8| (1..=125_u16).map(move |nth| added(u128::from(week) * 1000 + u128::from(nth), week, nth));
    let mut given: Vec<_> = (1..=8).flat_map(of_week).collect();
    assert_eq!(given.len(), 1_000);
    when(given.clone(), "AddMaterial", adding(9, 1, None))
        .then_expect_error(SyllabusRule::TooManyMaterials { limit: 1_000 });
    given.push(removed(1_001, 1));
    when(given, "AddMaterial", adding(9, 1, None)).then_expect_events(vec![added(9, 1, 125)]);
}

#[test]
fn takes_five_million_characters_of_pages_and_no_more() {
    let long = "字".repeat(100_000);
    let given: Vec<_> = (1..=50).map(|nth| added_with(u128::from(nth), 1, nth, page(&long))).collect();
    let rule = || SyllabusRule::TooMuchText { limit: 5_000_000 };
    when(given.clone(), "AddMaterial", adding(51, 1, None)).then_expect_error(rule());
    let shorter = json!({ "material_id": id(1), "content": "Kort." });
    let event = when(given.clone(), "UpdateMaterial", shorter).inspect_result().unwrap();
    let given = [given, event].concat();
    when(given, "AddMaterial", adding(51, 1, None)).then_expect_events(vec![added(51, 1, 51)]);
}

fn using_upload(
    given: Vec<SyllabusEvent>,
    material: u128,
    owner: Option<u128>,
) -> Result<Vec<SyllabusEvent>, SyllabusRule> {
    let facts = SyllabusFacts { content: Some(picture(UPLOAD)), upload_owner: owner.map(id), ..facts() };
    let update = json!({ "material_id": id(material), "content": UPLOAD.to_string() });
    when_facts(given, "UpdateMaterial", update, facts).inspect_result()
}

#[test]
fn an_uploaded_file_is_one_materials() {
    assert_eq!(using_upload(three(), 1, None).unwrap().len(), 1);
    assert_eq!(using_upload(three(), 1, Some(2)), Err(SyllabusRule::UploadUsed));
    let elsewhere = using_upload(three(), 1, Some(1));
    assert_eq!(elsewhere, Err(SyllabusRule::UploadUsed), "a material of another cohort with the same id");
}

#[test]
fn a_material_comes_back_to_the_file_that_it_had() {
    let other = UploadId(Uuid::from_u128(0x71));
    let exchanged =
        SyllabusEvent::MaterialUpdated { material_id: id(1), week: 1, title: None, content: Some(picture(other)) };
    let given = vec![added_with(1, 1, 1, picture(UPLOAD)), exchanged];
    assert_eq!(using_upload(given, 1, Some(1)).unwrap().len(), 1);
}

#[test]
fn a_file_is_claimed_once_for_ever() {
    let event = added_with(1, 1, 1, picture(UPLOAD));
    let mut changes = ClaimChanges::default();
    Syllabus::default().claims(COHORT.into(), &event, &mut changes);
    let mut expected = ClaimChanges::default();
    expected.take(ClaimKey::upload(UPLOAD), id(1));
    assert_eq!(changes, expected);
    for later in [removed(1, 1), moved(1, 1, 2, 1), event.clone()] {
        let mut changes = ClaimChanges::default();
        syllabus(std::slice::from_ref(&event)).claims(COHORT.into(), &later, &mut changes);
        assert_eq!(changes, ClaimChanges::default(), "{later:?}");
    }
}

#[test]
fn a_name_of_a_mebibyte_is_refused_where_the_body_is_read() {
    let mut body = adding(1, 1, None);
    body["cohort_id"] = json!(COHORT);
    body["title"] = json!("A".repeat(1 << 20));
    let error = Command::decode("AddMaterial", body).unwrap().unwrap_err().to_string();
    assert!(error.contains("at most 200 characters") && error.len() < 200, "{error}");
}

#[test]
fn no_client_can_say_what_an_upload_is() {
    let mut body = adding(1, 1, None);
    body["cohort_id"] = json!(COHORT);
    body["file"] = json!({ "key": "sites/2/x", "name": "x", "size": 1, "sha256": "", "media_type": "image/png" });
    assert!(Command::decode("AddMaterial", body).unwrap().is_err());
}

#[test]
fn says_which_upload_it_may_need() {
    let upload = |kind: &str, content: &str| {
        let body = json!({ "cohort_id": COHORT, "week": 1, "kind": kind, "title": "T", "content": content });
        given::command("AddMaterial", body).upload()
    };
    let named = UPLOAD.to_string();
    assert_eq!(upload("image", &named), Some(UPLOAD));
    assert_eq!(upload("document", &named), Some(UPLOAD));
    assert_eq!(upload("page", &named), None);
    assert_eq!(upload("document", "../../etc/passwd"), None);
    let update = json!({ "cohort_id": COHORT, "material_id": id(1), "content": named });
    assert_eq!(given::command("UpdateMaterial", update).upload(), Some(UPLOAD));
    let mut command = given::command(
        "AddMaterial",
        json!({
            "cohort_id": COHORT, "week": 1, "kind": "image", "title": "T", "content": named,
        }),
    );
    let before = serde_json::to_value(&command).unwrap();
    command.attach(picture(UPLOAD).file().unwrap().clone());
    assert_eq!(serde_json::to_value(&command).unwrap(), before, "what the edge finds is no part of what was sent");
    let Command::Syllabus(SyllabusCommand::AddMaterial(command)) = command else { panic!("it adds a material") };
    assert_eq!(command.file.as_ref(), picture(UPLOAD).file());
}
