//! A student who asks for what takes the most and goes away at once, so that each question is a new one.

use std::time::Duration;

use reqwest::Method;

use super::reads::paths;
use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};

/// The address of whoever asks.
const FROM: u8 = 8;
/// How many questions are asked at a time.
const AT_ONCE: usize = 32;
/// How long an answer is waited for: as long as the question takes to be understood.
const STAYS: Duration = Duration::from_millis(5);
/// Every so many-th waits for its answer, so that there is somebody to tell what the others would have got.
const WAITS: usize = 50;

/// Asks.
pub async fn run(target: Target) -> Result<(), Error> {
    let client = client(FROM)?;
    let greedy = &target.scene.greedy;
    let paths = paths(greedy);
    again_and_again(&target, AT_ONCE, |nth| {
        let who = (greedy.host.as_str(), greedy.student.token.as_str());
        let request = request(&client, &target, Method::GET, who, &paths[nth % paths.len()]);
        if nth % WAITS == 0 { request } else { request.timeout(STAYS) }
    })
    .await;
    Ok(())
}
