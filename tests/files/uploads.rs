//! Files that are taken, and who may send them.

use serde_json::json;
use uuid::Uuid;

use super::{PDF, PNG, docx, id, rows, send, stored, upload};
use crate::school::School;

#[tokio::test]
async fn takes_a_file_and_says_what_it_is() {
    let school = School::open().await;
    let report = docx("<w:document/>");
    let taken = upload(&school, &school.instructor, "Week 1 – Whakataukī.docx", report.clone()).await;
    let sha256 = sha256(&report).await;
    assert_eq!(taken["kind"], "document");
    assert_eq!(taken["name"], "Week 1 – Whakataukī.docx");
    assert_eq!(taken["size"], report.len());
    assert_eq!(taken["sha256"], sha256);
    assert_eq!(taken["media_type"], "application/vnd.openxmlformats-officedocument.wordprocessingml.document");

    let picture = upload(&school, &school.admin, "chart.PNG", PNG).await;
    assert_eq!((&picture["kind"], &picture["media_type"]), (&json!("image"), &json!("image/png")));
    let names: Vec<String> =
        stored(&school).iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    assert_eq!(names.len(), 3, "the picture is there as WebP, too: {names:?}");
    for path in stored(&school) {
        let relative = path.strip_prefix(school.service.database.files.path()).expect("inside").to_owned();
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        assert_eq!((parts.len(), parts[0].as_str()), (5, "sites"), "{relative:?}");
        assert!(parts[4].is_ascii(), "{relative:?}");
    }
    assert_eq!(rows(&school).await, 2);
}

/// As another program computes it: PostgreSQL.
async fn sha256(bytes: &[u8]) -> String {
    let database = crate::harness::Database::create().await;
    sqlx::query_scalar("select encode(sha256($1), 'hex')").bind(bytes).fetch_one(&database.pool).await.expect("a hash")
}

#[tokio::test]
async fn names_lead_nowhere() {
    let school = School::open().await;
    for (given, name) in [
        ("../../../etc/cron.d/x.pdf", "x.pdf"),
        ("C:\\fakepath\\y.pdf", "y.pdf"),
        ("a\u{0}\r\nb\u{202e}fdp.pdf", "abfdp.pdf"),
        ("....//....//z.pdf", "z.pdf"),
    ] {
        assert_eq!(upload(&school, &school.owner, given, PDF).await["name"], name, "{given:?}");
    }
    assert_eq!(stored(&school).len(), 4);
}

#[tokio::test]
async fn only_who_edits_what_is_taught_uploads() {
    let school = School::open().await;
    let student = school.student("Anna Ho", None).await;
    let student = school.service.token(&student.person).await;
    for token in [&school.marker, &school.coordinator, &student] {
        let refused = send(&school, token, "a.pdf", PDF).await;
        assert_eq!((refused.status, &refused.json["code"]), (403, &json!("not_allowed")), "{}", refused.text);
    }
    assert_eq!(send(&school, "", "a.pdf", PDF).await.status, 401);
    for token in [&school.owner, &school.admin, &school.instructor] {
        assert_eq!(send(&school, token, "a.pdf", PDF).await.status, 200);
    }
    assert_eq!((rows(&school).await, stored(&school).len()), (3, 3));
}

#[tokio::test]
async fn a_command_finds_an_upload_for_a_day() {
    let school = School::open().await;
    let state = &school.service.state;
    let (uploaded, site) = (upload(&school, &school.owner, "a.png", PNG).await, state.site());
    let upload: Uuid = id(&uploaded).parse().expect("an id");
    let resolve = |site, upload| rollbook_http::uploads::resolve(state, site, upload);
    let file = resolve(site, upload).await.expect("it is found");
    assert_eq!((file.name.as_str(), file.size), ("a.png", PNG.len() as u64));
    assert!(file.key.ends_with("/a.png") && file.webp_key.is_some_and(|key| key.ends_with("/a.webp")));

    let refused = resolve(site, Uuid::new_v4()).await.expect_err("nobody uploaded it").problem();
    assert_eq!((refused.status, refused.errors[0].pointer.as_deref()), (422, Some("/content")));
    let other = rollbook_domain::SiteId(Uuid::new_v4());
    assert_eq!(resolve(other, upload).await.expect_err("it is another site's").problem(), refused);
    school.service.now("2026-02-01T23:59:59Z");
    assert!(resolve(site, upload).await.is_ok());
    school.service.now("2026-02-02T00:00:00Z");
    assert_eq!(resolve(site, upload).await.expect_err("it is a day old").problem(), refused);
}
