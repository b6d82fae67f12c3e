//! Uploads and files: what goes in, what is refused, what comes out, and what becomes of the rest.

mod answers;
mod clean_up;
mod pictures;
mod refusals;
mod scans;
mod uploads;

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Answer, answer};
use crate::school::School;

/// The smallest PDF.
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

/// A PNG of four pixels: red, green, blue, white.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0xfd, 0xd4, 0x9a, 0x73, 0x00, 0x00, 0x00, 0x12, 0x49,
    0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xc0, 0x00, 0xc2, 0x0c, 0xff, 0x81, 0x00, 0x00, 0x1f, 0xee,
    0x05, 0xfb, 0x0b, 0xd9, 0x68, 0x8b, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// A Word document with this text.
fn docx(text: &str) -> Vec<u8> {
    let main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
    let table = format!("<Types><Override PartName=\"/word/document.xml\" ContentType=\"{main}\"/></Types>");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("[Content_Types].xml", table.as_str()), ("word/document.xml", text)] {
        zip.start_file(name, SimpleFileOptions::default()).expect("a part");
        zip.write_all(content.as_bytes()).expect("its content");
    }
    zip.finish().expect("a package").into_inner()
}

/// Uploads, and takes whatever comes back.
async fn send(school: &School, token: &str, name: &str, bytes: impl Into<Vec<u8>>) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
    let request = school.service.request(Method::POST, token, &format!("/v1/uploads?{query}"));
    answer(request.header("content-type", "application/octet-stream").body(bytes.into())).await
}

/// Uploads what must be taken.
async fn upload(school: &School, token: &str, name: &str, bytes: impl Into<Vec<u8>>) -> Value {
    let answer = send(school, token, name, bytes).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    answer.json
}

/// The id of an upload.
fn id(upload: &Value) -> String {
    upload["upload_id"].as_str().expect("an id").to_owned()
}

/// Every file in the store.
fn stored(school: &School) -> Vec<PathBuf> {
    fn within(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { within(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    within(school.service.database.files.path(), &mut found);
    found.sort();
    found
}

/// How many rows tell of uploads.
async fn rows(school: &School) -> i64 {
    sqlx::query_scalar("select count(*) from uploads").fetch_one(&school.service.database.pool).await.expect("a count")
}
