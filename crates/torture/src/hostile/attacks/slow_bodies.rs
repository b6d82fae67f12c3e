//! Bodies that stop half-way: of imports by a student who may import nothing, of an instructor's uploads, and of
//! commands.

use bytes::Bytes;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::connections::{Crowd, open};

/// Their addresses, and how many connections come from all of them, a third for each kind of body.
const FROM: std::ops::Range<u8> = 40..43;
const CONNECTIONS: usize = 60;
/// How long bodies say that they are, in bytes: just under what is taken of an import, of an upload and of a command.
const IMPORT_BYTES: usize = 20 << 20;
const UPLOAD_BYTES: usize = 50 << 20;
const COMMAND_BYTES: usize = 64 << 10;
/// How much of it is missing at the end, in bytes.
const MISSING: usize = 1024;

/// Sends them.
pub async fn run(target: Target) -> Result<(), Error> {
    let greedy = &target.scene.greedy;
    let kinds = [
        (format!("/v1/cohorts/{}/attendance-import", greedy.cohort), "text/csv", &greedy.student, IMPORT_BYTES),
        ("/v1/uploads?name=long.pdf".to_owned(), "application/octet-stream", &greedy.instructor, UPLOAD_BYTES),
        ("/v1/commands/SubmitReflection".to_owned(), "application/json", &greedy.student, COMMAND_BYTES),
    ];
    let filling = Bytes::from(vec![b' '; UPLOAD_BYTES]);
    let crowd = Crowd { addresses: FROM, count: CONNECTIONS, receives: None };
    open(&target, crowd, |nth, mut slow| {
        let (path, media, person, bytes) = &kinds[nth % kinds.len()];
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: {media}\r\n\
             Content-Length: {bytes}\r\n\r\n",
            greedy.host, person.token
        );
        let body = filling.slice(..bytes - MISSING);
        async move {
            slow.sends(head.as_bytes()).await?;
            // A PDF says what it is in its first bytes.
            slow.sends(b"%PDF-1.7\n").await?;
            slow.sends(&body).await?;
            slow.waits().await
        }
    })
    .await
}
