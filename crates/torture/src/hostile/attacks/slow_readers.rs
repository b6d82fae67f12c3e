//! Clients that ask for the largest answers, and take 256 bytes of them every five seconds, or nothing.

use std::future::pending;
use std::time::Duration;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::connections::{Crowd, open};

/// Their addresses, and how many connections come from all of them.
const FROM: std::ops::Range<u8> = 50..52;
const CONNECTIONS: usize = 40;
/// How much the system takes in for them before they read it, in bytes.
const RECEIVES: u32 = 4096;
/// How much those take who take something, in bytes, and how often.
const TAKES: usize = 256;
const EVERY: Duration = Duration::from_secs(5);

/// Asks, and reads slowly.
pub async fn run(target: Target) -> Result<(), Error> {
    let greedy = &target.scene.greedy;
    let own = format!("/v1/enrolments/{}", greedy.enrolment);
    let paths = [format!("/v1/cohorts/{}/reflections?limit=1000", greedy.cohort), format!("{own}/history?limit=1000")];
    let crowd = Crowd { addresses: FROM, count: CONNECTIONS, receives: Some(RECEIVES) };
    open(&target, crowd, |nth, mut slow| {
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            paths[nth % paths.len()],
            greedy.host,
            greedy.student.token
        );
        async move {
            slow.sends(head.as_bytes()).await?;
            slow.hears().await?;
            if nth % 4 < 2 {
                return pending().await;
            }
            slow.takes(TAKES, EVERY).await
        }
    })
    .await
}
