//! A student who revises the longest reflection that there may be, as fast as they are let.

use reqwest::Method;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};
use crate::hostile::school::WEEKS;
use crate::hostile::stage::reflection;

/// The address of whoever writes.
const FROM: u8 = 2;
/// How many are written at a time.
const AT_ONCE: usize = 3;
/// The first number of a revision: no earlier text has it.
const FIRST: usize = 1_000_000;

/// Writes.
pub async fn run(target: Target) -> Result<(), Error> {
    let client = client(FROM)?;
    let (greedy, path) = (&target.scene.greedy, "/v1/commands/SubmitReflection");
    again_and_again(&target, AT_ONCE, |nth| {
        let week = 1 + u8::try_from(nth % usize::from(WEEKS)).unwrap_or_default();
        let body = reflection(&greedy.enrolment, week, FIRST + nth);
        request(&client, &target, Method::POST, (&greedy.host, &greedy.student.token), path).json(&body)
    })
    .await;
    Ok(())
}
