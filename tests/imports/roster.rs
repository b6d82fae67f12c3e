//! A roster as CSV: previewed, imported, imported again, and what is refused.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{AUTUMN, counts, wrong};
use crate::harness::answer;
use crate::school::School;

#[tokio::test]
async fn seventy_rows_enrol_sixty_eight_and_the_same_file_again_does_nothing() {
    let school = School::open().await;
    school.knows_two().await;
    let before = school.head().await;

    let preview = school.roster(false, AUTUMN).await;
    assert_eq!(counts(&preview), [66, 2, 0, 0, 2]);
    assert_eq!(wrong(&preview), [(43, "email", "duplicate_row"), (58, "email", "not_an_email")]);
    assert!(
        preview["rows"][40]["reason"].as_str().expect("a reason").starts_with("row 10 "),
        "{}",
        preview["rows"][40]
    );
    assert_eq!(preview["notes"], json!(["columns of the file that are not used: Phone"]));
    assert_eq!(school.head().await, before, "a preview appends nothing");

    let done = school.roster(true, AUTUMN).await;
    assert_eq!((counts(&done), wrong(&done)), (counts(&preview), wrong(&preview)));
    assert_eq!(done["position"], json!(before + 66 * 2 + 2));
    let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
    assert_eq!(roster.len(), 68);
    assert!(roster.iter().any(|row| row["name"] == "Maria Longname" && row["hub"] == "Southland"));

    let again = school.roster(true, AUTUMN).await;
    assert_eq!(counts(&again), [0, 0, 0, 68, 2]);
    assert_eq!(school.head().await, before + 66 * 2 + 2, "no events at all");
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_another_file_under_it_is_refused() {
    let school = School::open().await;
    let key = Uuid::new_v4().to_string();
    let send = async |file: &str| {
        let path = format!("/v1/cohorts/{}/roster-import?commit=true", school.cohort);
        let request = school.service.request(Method::POST, &school.admin, &path);
        answer(request.header("content-type", "text/csv").header("idempotency-key", &key).body(file.to_owned())).await
    };
    let file = "name,email,hub\nZoë,zoe@example.org,Nowhere\nLars,lars@example.org,\n";
    let first = send(file).await;
    assert_eq!((first.status, &first.json["command_id"]), (200, &json!(key)), "{}", first.text);
    assert_eq!(counts(&first.json), [1, 0, 0, 0, 1]);
    assert_eq!(send(file).await.json, first.json, "also what was wrong with it then");
    let other = send("name,email\nOther,other@example.org\n").await;
    assert_eq!((other.status, &other.json["code"]), (422, &json!("idempotency_key_reused")));
}

#[tokio::test]
async fn what_somebody_entered_by_hand_wins() {
    let school = School::open().await;
    let file = "name,email,external_id,hub\nZoë,zoe@example.org,LW-1,Northland\n";
    let done = school.roster(true, file).await;
    let (person, enrolment) = (&done["rows"][0]["person_id"], &done["rows"][0]["enrolment_id"]);
    school.command("CorrectPerson", json!({"person_id": person, "name": "Zoé"})).await;
    school.command("JoinHub", json!({"enrolment_id": enrolment, "hub_id": school.south})).await;

    let kept = school.roster(true, file).await;
    assert_eq!(counts(&kept), [0, 0, 0, 1, 0]);
    assert_eq!(kept["rows"][0]["kept"], json!(["name", "hub"]));
    let later = school.roster(true, "name,email,external_id\nZoë Ek,zoe.ek@example.org,LW-1\n").await;
    assert_eq!(counts(&later), [0, 0, 1, 0, 0]);

    let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
    let row = |field: &str| roster[0][field].clone();
    assert_eq!(
        (row("name"), row("email"), row("hub")),
        (json!("Zoé"), json!("zoe.ek@example.org"), json!("Southland"))
    );
    let history = school
        .service
        .get(&school.owner, &format!("/v1/enrolments/{}/history", enrolment.as_str().expect("an id")))
        .await;
    assert!(history.to_string().contains("enrolled from a file in week 1, at Northland"), "{history}");
}

#[tokio::test]
async fn a_formula_in_a_name_comes_out_disarmed() {
    let school = School::open().await;
    school.roster(true, AUTUMN).await;
    let path =
        format!("/v1/cohorts/{}/roster?format=csv&limit=1000&min_position={}", school.cohort, school.head().await);
    let csv = school.service.ask(&school.owner, &path).await.text;
    assert!(csv.contains("\"'=HYPERLINK(\"\"http://example.org\"\",\"\"click\"\")\""), "{csv}");
    assert!(!csv.contains(",\"=") && !csv.contains(",="), "{csv}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_with_what_it_looks_like() {
    let school = School::open().await;
    let send = async |media: &str, file: &[u8]| school.file(&school.admin, "roster-import", media, file).await;
    for (media, file, status, code, said) in [
        ("text/csv", &b"name,email\nZo\xEB,z@example.org"[..], 422, "unreadable_file", "Latin-1"),
        ("text/csv", b"\xFF\xFEn\0a\0", 422, "unreadable_file", "UTF-16"),
        ("text/csv", b"PK\x03\x04", 422, "unreadable_file", "Excel workbook"),
        ("text/csv", b"", 422, "unreadable_file", "empty"),
        ("text/csv", b"who,where\n", 422, "unreadable_file", "no column name"),
        ("application/zip", b"name,email\n", 422, "unreadable_file", "is it a ZIP file"),
        ("application/json", b"{}", 415, "unsupported_media_type", "text/csv or application/zip"),
    ] {
        let refused = send(media, file).await;
        assert_eq!((refused.status, &refused.json["code"]), (status, &json!(code)), "{}", refused.text);
        assert!(refused.json["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{}", refused.text);
    }
    let huge = send("text/csv", &vec![b'a'; (20 << 20) + 1]).await;
    assert_eq!((huge.status, &huge.json["code"]), (413, &json!("too_large")), "{}", huge.text);
    let more_than_a_command_may_have = format!("name,email\n{}\n", "Zoë,zoe@example.org,\n".repeat(80_000));
    assert_eq!(send("text/csv", more_than_a_command_may_have.as_bytes()).await.status, 422);
    let asked = school.file(&school.admin, "roster-import?comit=true", "text/csv", "name,email\n").await;
    assert_eq!((asked.status, &asked.json["code"]), (422, &json!("invalid_fields")));
}

#[tokio::test]
async fn only_admins_import_a_roster_and_only_into_a_cohort_that_is_there() {
    let school = School::open().await;
    for token in [&school.instructor, &school.coordinator, &school.marker] {
        let refused = school.file(token, "roster-import", "text/csv", "name,email\n").await;
        assert_eq!((refused.status, &refused.json["code"]), (403, &json!("not_allowed")), "{}", refused.text);
    }
    let path = format!("/v1/cohorts/{}/roster-import", Uuid::new_v4());
    let request = school.service.request(Method::POST, &school.admin, &path).header("content-type", "text/csv");
    let missing = answer(request.body("name,email\nZoë,zoe@example.org\n")).await;
    assert_eq!((missing.status, &missing.json["code"]), (404, &json!("not_found")), "{}", missing.text);
}

#[tokio::test]
async fn the_command_tells_the_rows_in_its_receipt() {
    let school = School::open().await;
    let rows = json!([{"name": "Zoë", "email": "zoe@example.org"}, {"name": "Lars", "email": "ZOE@example.org"}]);
    let receipt = school.in_cohort("ImportRoster", json!({"rows": rows})).await;
    assert_eq!(crate::school::event_types(&receipt), ["PersonRegistered", "StudentEnrolled"]);
    assert_eq!((&receipt["rows"][0]["outcome"], &receipt["rows"][1]["code"]), (&json!("new"), &json!("duplicate_row")));
    let unasked = school.command("FoundHub", json!({"name": "Eastland"})).await;
    assert!(unasked.get("rows").is_none(), "{unasked}");
}
