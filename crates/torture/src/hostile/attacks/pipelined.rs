//! Connections on which requests are sent back to back, as fast as the network takes them, for nothing that there is and
//! for the service's health.

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::connections::{Crowd, open};

/// Their addresses, and how many connections come from all of them.
const FROM: std::ops::Range<u8> = 70..72;
const CONNECTIONS: usize = 4;
/// How many requests are sent in one piece.
const TOGETHER: usize = 500;
/// What they are for.
const PATHS: [&str; 2] = ["/v1/nowhere", "/healthz"];

/// Sends.
pub async fn run(target: Target) -> Result<(), Error> {
    let crowd = Crowd { addresses: FROM, count: CONNECTIONS, receives: None };
    let host = target.scene.greedy.host.clone();
    open(&target, crowd, |nth, connection| {
        let path = PATHS[nth / 2 % PATHS.len()];
        let requests = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").repeat(TOGETHER);
        async move { connection.floods(requests.as_bytes()).await }
    })
    .await
}
