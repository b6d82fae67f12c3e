//! Documents and images: uploaded, used by a material, and had by those to whom its week is open.

use reqwest::Method;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::{SiteId, UploadId};
use serde_json::{Value, json};

use crate::harness::{Answer, answer};
use crate::school::School;

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n";

/// Uploads a file; what the service says of it.
async fn upload(school: &School, name: &str, bytes: &'static [u8]) -> Value {
    let request = school.service.request(Method::POST, &school.instructor, &format!("/v1/uploads?name={name}"));
    let answer = answer(request.header("Content-Type", "application/octet-stream").body(bytes)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

async fn use_upload(school: &School, week: u8, kind: &str, upload: &Value) -> Answer {
    let body = json!({
        "cohort_id": school.cohort, "week": week, "kind": kind, "title": "Notes", "content": upload["upload_id"],
    });
    school.service.send(&school.instructor, "AddMaterial", body).await
}

/// A document in a week; where it is to be had.
async fn document(school: &School, week: u8) -> String {
    let upload = upload(school, "notes.pdf", PDF).await;
    let answer = use_upload(school, week, "document", &upload).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let material = answer.json["events"][0]["data"]["material_id"].as_str().expect("an id").to_owned();
    format!("/v1/cohorts/{}/materials/{material}/file", school.cohort)
}

#[tokio::test]
async fn a_document_is_had_by_a_student_of_its_week_and_by_none_of_an_earlier_one() {
    let school = School::open().await;
    let path = document(&school, 3).await;
    let student = school.student("Sione", Some(&school.north)).await;
    let token = school.service.token(&student.person).await;
    let earlier = school.service.ask(&token, &path).await;
    assert_eq!((earlier.status, &earlier.json["code"]), (404, &json!("not_found")));
    let unknown = path.replace("/materials/0", "/materials/1");
    assert_eq!(school.service.ask(&token, &unknown).await.json, earlier.json, "nothing tells the two apart");
    assert_eq!(school.service.ask(&school.coordinator, &path).await.status, 404);

    let body = json!({"enrolment_id": student.enrolment, "week": 3, "reason": "As it is."});
    school.command("SetWeek", body).await;
    for token in [&token, &school.coordinator, &school.marker, &school.instructor, &school.admin] {
        let had = school.service.ask(token, &path).await;
        assert_eq!((had.status, had.text.as_bytes()), (200, PDF));
        assert_eq!(had.headers["content-type"], "application/pdf");
        assert!(had.headers["content-disposition"].to_str().is_ok_and(|how| how.starts_with("attachment")));
        assert_eq!(had.headers["x-content-type-options"], "nosniff");
        assert!(had.headers.contains_key("rollbook-position"));
    }
    let part = school.service.request(Method::GET, &token, &path).header("Range", "bytes=0-3");
    let part = answer(part).await;
    assert_eq!((part.status, part.text.as_str()), (206, "%PDF"));
    let head = answer(school.service.request(Method::HEAD, &token, &path)).await;
    assert_eq!(
        (head.status, head.headers["content-length"].to_str().ok()),
        (200, Some(PDF.len().to_string().as_str()))
    );
    assert_eq!(school.service.ask("", &path).await.status, 401);

    let week = school.week(&token, 3).await;
    let shown = &week["materials"][0];
    assert_eq!(
        (&shown["url"], &shown["file"]["name"], &shown["file"]["size"]),
        (&json!(path), &json!("notes.pdf"), &json!(PDF.len()))
    );
    assert!(!week.to_string().contains("sites/"), "nobody learns where the store has it");
}

#[tokio::test]
async fn a_file_goes_with_its_material_from_week_to_week_and_out_of_sight() {
    let school = School::open().await;
    let path = document(&school, 1).await;
    let student = school.student("Sione", None).await;
    let token = school.service.token(&student.person).await;
    assert_eq!(school.service.ask(&token, &path).await.status, 200);
    let material = path.split('/').nth(5).expect("an id");
    school.in_cohort("MoveMaterial", json!({"material_id": material, "week": 2, "position": 1})).await;
    assert_eq!(school.service.ask(&token, &path).await.status, 404);
    school.in_cohort("RemoveMaterial", json!({"material_id": material})).await;
    let head = school.service.executor.store().head().await.expect("the head");
    let gone = school.service.ask(&school.owner, &format!("{path}?min_position={head}")).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn a_copy_has_the_same_file_under_its_own_cohorts_address() {
    let school = School::open().await;
    document(&school, 1).await;
    let new = school.run("Again", Some(&school.cohort)).await;
    let copied = school.syllabus(&new).await;
    let path = copied["weeks"][0]["materials"][0]["url"].as_str().expect("an address");
    assert!(path.contains(&new), "{path}");
    let had = school.service.ask(&school.owner, path).await;
    assert_eq!((had.status, had.text.as_bytes()), (200, PDF));
    assert_eq!(school.service.ask(&school.instructor, path).await.status, 404, "who teaches the other run only");
}

#[tokio::test]
async fn an_upload_is_one_materials_and_of_its_kind_and_known_as_used_for_ever() {
    let school = School::open().await;
    let pdf = upload(&school, "notes.pdf", PDF).await;
    let other_kind = use_upload(&school, 1, "image", &pdf).await;
    assert_eq!((other_kind.status, &other_kind.json["errors"][0]["pointer"]), (422, &json!("/content")));
    let used = use_upload(&school, 1, "document", &pdf).await;
    assert_eq!(used.status, 200, "{}", used.text);
    let twice = use_upload(&school, 2, "document", &pdf).await;
    assert_eq!((twice.status, &twice.json["code"]), (409, &json!("upload_used")));

    let material = used.json["events"][0]["data"]["material_id"].as_str().expect("an id");
    school.in_cohort("RemoveMaterial", json!({"material_id": material})).await;
    let id: UploadId = pdf["upload_id"].as_str().expect("an id").parse().expect("a UUID");
    let owner = school.service.executor.store().owner(SiteId::DEFAULT, ClaimKey::upload(id)).await.expect("a look-up");
    assert_eq!(owner.map(|owner| owner.to_string()).as_deref(), Some(material));
}

#[tokio::test]
async fn an_upload_is_used_within_a_day_and_a_command_that_is_sent_again_finds_it_later_too() {
    let school = School::open().await;
    let (used, late) = (upload(&school, "a.pdf", PDF).await, upload(&school, "b.pdf", PDF).await);
    let send = |key: &'static str, upload: &Value| {
        let body = json!({
            "cohort_id": school.cohort, "week": 1, "kind": "document", "title": "Notes", "content": upload["upload_id"],
        });
        let request = school.service.request(Method::POST, &school.instructor, "/v1/commands/AddMaterial");
        answer(request.header("Idempotency-Key", key).json(&body))
    };
    let first = send("0198b2c4-7d10-7a01-8c11-000000000001", &used).await;
    assert_eq!(first.status, 200, "{}", first.text);
    school.service.now("2026-02-03T00:00:01Z");
    assert_eq!(send("0198b2c4-7d10-7a01-8c11-000000000001", &used).await.json, first.json);
    let refused = send("0198b2c4-7d10-7a01-8c11-000000000002", &late).await;
    assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!("/content")));
}

#[tokio::test]
async fn what_is_no_file_has_none() {
    let school = School::open().await;
    let page = school.material(1, "page", "Welcome", "Hello.").await;
    let week = school.week(&school.owner, 1).await;
    assert_eq!((&week["materials"][0]["url"], &week["materials"][0]["file"]), (&Value::Null, &Value::Null));
    let path = format!("/v1/cohorts/{}/materials/{page}/file", school.cohort);
    assert_eq!(school.service.ask(&school.owner, &path).await.status, 404);
}
