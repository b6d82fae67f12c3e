//! A student who reads what takes the most: the history of a long stream, its explanation, its past, and lists of long
//! texts.

use reqwest::Method;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};
use crate::hostile::scene::Greedy;

/// The address of whoever reads.
const FROM: u8 = 3;
/// How many questions are asked at a time.
const AT_ONCE: usize = 16;

/// Reads.
pub async fn run(target: Target) -> Result<(), Error> {
    let client = client(FROM)?;
    let greedy = &target.scene.greedy;
    let paths = paths(greedy);
    again_and_again(&target, AT_ONCE, |nth| {
        let path = &paths[nth % paths.len()];
        request(&client, &target, Method::GET, (&greedy.host, &greedy.student.token), path)
    })
    .await;
    Ok(())
}

/// What takes the most to read.
pub fn paths(greedy: &Greedy) -> [String; 4] {
    let own = format!("/v1/enrolments/{}", greedy.enrolment);
    [
        format!("{own}/history?limit=1000"),
        format!("{own}/explain?limit=1000"),
        format!("{own}?as_of={}", greedy.position),
        format!("/v1/cohorts/{}/reflections?limit=1000", greedy.cohort),
    ]
}
