//! Somebody without any right who asks how the service is, as fast as it answers.

use reqwest::Method;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};

/// The address of whoever asks.
const FROM: u8 = 7;
/// How many questions are asked at a time.
const AT_ONCE: usize = 16;
/// What is asked.
const PATHS: [&str; 3] = ["/readyz", "/healthz", "/metrics"];

/// Asks.
pub async fn run(target: Target) -> Result<(), Error> {
    let client = client(FROM)?;
    again_and_again(&target, AT_ONCE, |nth| request(&client, &target, Method::GET, ("", ""), PATHS[nth % PATHS.len()]))
        .await;
    Ok(())
}
