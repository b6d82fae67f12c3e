//! What is not taken leaves nothing behind.

use reqwest::Method;
use rollbook_http::uploads::clean_up;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{PDF, PNG, docx, rows, send, stored};
use crate::harness::answer;
use crate::school::School;

#[tokio::test]
async fn a_file_that_lies_is_refused() {
    let school = School::open().await;
    let html: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
    let bodies: [(&str, Vec<u8>, &str); 8] = [
        ("a.pdf", PNG.to_vec(), "is a png by its content, and a pdf by its name"),
        ("a.png", docx("x"), "is a docx by its content, and a png by its name"),
        ("a.pptx", docx("x"), "is a docx by its content, and a pptx by its name"),
        ("a.pdf", html.to_vec(), "is no pdf by its content"),
        ("a.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "is no jpg by its content"),
        ("a.png", PNG[..40].to_vec(), "is a broken png"),
        ("a.pdf", PDF[..20].to_vec(), "is a broken pdf"),
        ("a.pdf", Vec::new(), "is empty"),
    ];
    for (name, body, detail) in bodies {
        let refused = send(&school, &school.owner, name, body).await;
        assert_eq!((refused.status, &refused.json["code"]), (422, &json!("invalid_fields")), "{}", refused.text);
        assert!(refused.json["detail"].as_str().is_some_and(|text| text.contains(detail)), "{}", refused.text);
    }
    let mut bomb = PNG.to_vec();
    bomb[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    bomb[29..33].copy_from_slice(&[0x35, 0x2c, 0xf5, 0x70]);
    let refused = send(&school, &school.owner, "bomb.png", bomb).await;
    assert!(
        refused.json["detail"].as_str().is_some_and(|text| text.contains("too large a picture")),
        "{}",
        refused.text
    );
    assert_eq!((rows(&school).await, stored(&school).len()), (0, 0));
}

#[tokio::test]
async fn a_name_that_says_nothing_is_refused() {
    let school = School::open().await;
    let long = format!("{}.pdf", "n".repeat(2_000));
    for name in ["", "..", "a", "a.svg", "a.html", "a.exe", "a.pdf.", "a.pdf/..", long.as_str()] {
        let refused = send(&school, &school.owner, name, PDF).await;
        if name == "a.pdf." {
            assert_eq!((refused.status, &refused.json["name"]), (200, &json!("a.pdf")));
            continue;
        }
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.json["errors"][0]["parameter"], "name", "{}", refused.text);
    }
    for query in ["", "?name=a.pdf&cohort=1", "?name=a.pdf&name=b.pdf"] {
        let request = school.service.request(Method::POST, &school.owner, &format!("/v1/uploads{query}"));
        assert_eq!(answer(request.body(PDF)).await.status, 422, "{query}");
    }
    let form = school.service.request(Method::POST, &school.owner, "/v1/uploads?name=a.pdf");
    let form = answer(form.header("content-type", "multipart/form-data; boundary=x").body("--x")).await;
    assert_eq!((form.status, &form.json["code"]), (415, &json!("unsupported_media_type")), "{}", form.text);
}

/// The beginning of an upload, as it goes over the wire.
async fn begun(school: &School, header: &str) -> TcpStream {
    let address = school.service.url.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let token = &school.owner;
    let head = format!(
        "POST /v1/uploads?name=a.pdf HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n{header}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    stream
}

/// The beginning of what comes back.
async fn status(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 12];
    stream.read_exact(&mut bytes).await.expect("a status");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn more_than_the_limit_is_refused_by_its_announcement_and_by_its_bytes() {
    const LIMIT: usize = 50 << 20;
    let school = School::open().await;
    let mut announced = begun(&school, &format!("Content-Length: {}", LIMIT + 1)).await;
    assert_eq!(status(&mut announced).await, "HTTP/1.1 413");

    let mut counted = begun(&school, "Transfer-Encoding: chunked").await;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..50 {
        counted.write_all(b"100000\r\n").await.expect("it is taken");
        counted.write_all(&piece).await.expect("it is taken");
        counted.write_all(b"\r\n").await.expect("it is taken");
    }
    counted.write_all(b"1\r\nx\r\n").await.expect("it is taken");
    assert_eq!(status(&mut counted).await, "HTTP/1.1 413");
    assert_eq!((rows(&school).await, stored(&school).len()), (0, 0));

    // What the limit of other requests would refuse is taken.
    let mut large = b"%PDF-1.7\n".to_vec();
    large.resize(3 << 20, b' ');
    large.extend(b"%%EOF");
    assert_eq!(send(&school, &school.owner, "large.pdf", large).await.status, 200);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let school = School::open().await;
    let mut broken = begun(&school, &format!("Content-Length: {}", PDF.len())).await;
    broken.write_all(&PDF[..30]).await.expect("it is sent");
    // The other half is closed, and what was wrong can still be said.
    broken.shutdown().await.expect("it is closed");
    let mut said = Vec::new();
    broken.read_to_end(&mut said).await.expect("it is closed, too");
    assert!(!said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
    assert_eq!((rows(&school).await, stored(&school).len()), (0, 0));
}

#[tokio::test]
async fn a_store_that_fails_leaves_nothing_that_is_not_found_again() {
    let school = School::open().await;
    // A file where there should be a folder.
    std::fs::write(school.service.database.files.path().join("sites"), "").expect("it is written");
    let refused = send(&school, &school.owner, "a.pdf", PDF).await;
    assert_eq!((refused.status, &refused.json["code"]), (503, &json!("files_unavailable")), "{}", refused.text);
    std::fs::remove_file(school.service.database.files.path().join("sites")).expect("it is removed");
    // Whether something was left there could not be told then: a row is there to look again by.
    assert_eq!(send(&school, &school.owner, "a.pdf", PDF).await.status, 200);
    assert_eq!((rows(&school).await, stored(&school).len()), (2, 1));
    school.service.now("2026-02-02T02:00:00Z");
    assert_eq!(clean_up(&school.service.state).await.expect("it runs"), 2);
    assert_eq!((rows(&school).await, stored(&school).len()), (0, 0));
}
