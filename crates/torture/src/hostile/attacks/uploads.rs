//! An instructor who uploads the largest pictures and documents that are taken, and a student who may upload nothing
//! and tries.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::png::noise;
use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};

/// The address of whoever uploads.
const FROM: u8 = 5;
/// The pixels of the picture, four bytes each: just under the 50 MiB that are taken.
const PICTURE: (u32, u32) = (4096, 3100);
/// The size of the document, in bytes: the same.
const DOCUMENT_BYTES: usize = 49 << 20;
/// How many pictures, documents and files of the student's are on their way at a time.
const AT_ONCE: [usize; 3] = [3, 3, 4];

/// The picture and the document.
pub fn files() -> Vec<Bytes> {
    let mut document = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%".to_vec();
    document.resize(DOCUMENT_BYTES, b'-');
    document.extend_from_slice(b"\ntrailer<</Root 1 0 R>>\n%%EOF\n");
    vec![noise(PICTURE.0, PICTURE.1).into(), document.into()]
}

/// Uploads.
pub async fn run(target: Target, files: &[Bytes]) -> Result<(), Error> {
    let [picture, document] = files else { return Err(Error::Broken("there is nothing to upload".to_owned())) };
    let client = client(FROM)?;
    let greedy = &target.scene.greedy;
    let sends = |token: &str, name: &str, file: &Bytes| {
        let path = format!("/v1/uploads?name={name}");
        let request = request(&client, &target, Method::POST, (&greedy.host, token), &path);
        request.header(CONTENT_TYPE, "application/octet-stream").body(file.clone())
    };
    tokio::join!(
        again_and_again(&target, AT_ONCE[0], |_| sends(&greedy.instructor.token, "noise.png", picture)),
        again_and_again(&target, AT_ONCE[1], |_| sends(&greedy.instructor.token, "long.pdf", document)),
        again_and_again(&target, AT_ONCE[2], |_| sends(&greedy.student.token, "mine.png", picture)),
    );
    Ok(())
}
