//! Hundreds of subscriptions to the log by one admin: some read all of it, most wait for its end to grow.

use std::time::Duration;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::connections::{Crowd, open};

/// Their addresses, and how many connections come from all of them.
const FROM: std::ops::Range<u8> = 60..61;
const CONNECTIONS: usize = 600;
/// Every so many-th reads the log from its beginning.
const FROM_THE_BEGINNING: usize = 20;
/// How much they read at once, in bytes, and how long they rest: 1.25 MiB a second each.
const TAKES: usize = 64 << 10;
const EVERY: Duration = Duration::from_millis(50);

/// Subscribes.
pub async fn run(target: Target) -> Result<(), Error> {
    let greedy = &target.scene.greedy;
    let crowd = Crowd { addresses: FROM, count: CONNECTIONS, receives: None };
    open(&target, crowd, |nth, mut slow| {
        let after = if nth % FROM_THE_BEGINNING == 0 { 0 } else { greedy.position };
        let head = format!(
            "GET /v1/events/stream?after={after} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            greedy.host, greedy.admin.token
        );
        async move {
            slow.sends(head.as_bytes()).await?;
            slow.hears().await?;
            slow.takes(TAKES, EVERY).await
        }
    })
    .await
}
