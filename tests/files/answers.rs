//! Files as they come out: whole, in part, known again.

use reqwest::Method;
use serde_json::json;

use super::{PDF, PNG, id, stored, upload};
use crate::harness::{Answer, answer};
use crate::school::School;

/// Asks for an upload's file.
async fn ask(school: &School, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = school.service.request(method, &school.instructor, path);
    answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test]
async fn a_document_comes_as_an_attachment_whole_or_in_part() {
    let school = School::open().await;
    let uploaded = upload(&school, &school.instructor, "Tūhoe \"1\".pdf", PDF).await;
    let path = format!("/v1/uploads/{}/file", id(&uploaded));
    let tag = format!("\"{}\"", uploaded["sha256"].as_str().expect("a hash"));
    let text = std::str::from_utf8(PDF).expect("text");
    let size = PDF.len();

    let whole = ask(&school, Method::GET, &path, &[]).await;
    assert_eq!((whole.status, whole.text.as_str()), (200, text));
    for (name, value) in [
        ("content-type", "application/pdf"),
        ("content-length", size.to_string().as_str()),
        ("etag", tag.as_str()),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment; filename=\"T_hoe _1_.pdf\"; filename*=UTF-8''T%C5%ABhoe%20%221%22.pdf"),
    ] {
        assert_eq!(header(&whole, name), value, "{name}");
    }
    let head = ask(&school, Method::HEAD, &path, &[("range", "bytes=0-4")]).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(header(&head, "content-length"), size.to_string());

    let part = ask(&school, Method::GET, &path, &[("range", "bytes=5-8")]).await;
    assert_eq!((part.status, part.text.as_str()), (206, &text[5..9]));
    assert_eq!(header(&part, "content-range"), format!("bytes 5-8/{size}"));
    let end = ask(&school, Method::GET, &path, &[("range", "bytes=-6"), ("if-range", &tag)]).await;
    assert_eq!((end.status, end.text.as_str()), (206, &text[size - 6..]));
    let other = ask(&school, Method::GET, &path, &[("range", "bytes=-6"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.text.as_str()), (200, text));
    let several = ask(&school, Method::GET, &path, &[("range", "bytes=0-1,4-5")]).await;
    assert_eq!((several.status, several.text.as_str()), (200, text));

    let beyond = ask(&school, Method::GET, &path, &[("range", &format!("bytes={size}-"))]).await;
    assert_eq!((beyond.status, &beyond.json["code"]), (416, &json!("range_not_satisfiable")));
    assert_eq!(header(&beyond, "content-range"), format!("bytes */{size}"));
    for known in [tag.as_str(), "*"] {
        let unchanged = ask(&school, Method::GET, &path, &[("if-none-match", known), ("range", "bytes=0-1")]).await;
        assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
        assert_eq!(header(&unchanged, "etag"), tag);
    }
}

#[tokio::test]
async fn a_picture_comes_to_be_looked_at_and_as_webp() {
    let school = School::open().await;
    let uploaded = upload(&school, &school.instructor, "chart.png", PNG).await;
    let path = format!("/v1/uploads/{}/file", id(&uploaded));
    let own = ask(&school, Method::GET, &path, &[]).await;
    assert_eq!((own.status, header(&own, "content-type")), (200, "image/png"));
    assert!(header(&own, "content-disposition").starts_with("inline; filename=\"chart.png\""));
    assert_eq!(header(&own, "content-length"), PNG.len().to_string());
    let webp = ask(&school, Method::GET, &format!("{path}?format=webp"), &[]).await;
    assert_eq!((webp.status, header(&webp, "content-type")), (200, "image/webp"));
    assert!(header(&webp, "content-disposition").contains("filename=\"chart.webp\""));
    assert!(webp.text.starts_with("RIFF"));
    assert_ne!(header(&webp, "etag"), header(&own, "etag"));
    let known = [("if-none-match", header(&own, "etag"))];
    assert_eq!(ask(&school, Method::GET, &format!("{path}?format=webp"), &known).await.status, 200);
    assert_eq!(ask(&school, Method::GET, &format!("{path}?format=gif"), &[]).await.status, 422);

    let document = upload(&school, &school.instructor, "a.pdf", PDF).await;
    let asked = format!("/v1/uploads/{}/file?format=webp", id(&document));
    assert_eq!(header(&ask(&school, Method::GET, &asked, &[]).await, "content-type"), "application/pdf");
}

#[tokio::test]
async fn an_upload_is_its_senders_and_the_admins() {
    let school = School::open().await;
    let path = format!("/v1/uploads/{}/file", id(&upload(&school, &school.instructor, "a.pdf", PDF).await));
    for (token, status) in [
        (&school.instructor, 200),
        (&school.admin, 200),
        (&school.owner, 200),
        (&school.marker, 404),
        (&school.coordinator, 404),
    ] {
        assert_eq!(school.service.ask(token, &path).await.status, status);
    }
    assert_eq!(school.service.ask("", &path).await.status, 401);
    for unknown in ["/v1/uploads/7/file", "/v1/uploads/01980000-0000-7000-8000-000000000000/file"] {
        assert_eq!(school.service.ask(&school.owner, unknown).await.status, 404);
    }
    school.service.now("2026-02-02T00:00:00Z");
    assert_eq!(school.service.ask(&school.instructor, &path).await.status, 404);
}

#[tokio::test]
async fn bytes_that_are_gone_are_a_defect_and_name_nothing() {
    let school = School::open().await;
    let path = format!("/v1/uploads/{}/file", id(&upload(&school, &school.instructor, "a.pdf", PDF).await));
    for file in stored(&school) {
        std::fs::remove_file(file).expect("it is removed");
    }
    let gone = school.service.ask(&school.instructor, &path).await;
    assert_eq!((gone.status, &gone.json["code"]), (500, &json!("internal_error")));
}
