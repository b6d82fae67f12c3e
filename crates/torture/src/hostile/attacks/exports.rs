//! An admin who has lists written out as a whole, for spreadsheets and for programs, many at once.

use reqwest::Method;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};

/// The address of whoever asks.
const FROM: u8 = 9;
/// How many are written at a time.
const AT_ONCE: usize = 16;

/// Asks.
pub async fn run(target: Target) -> Result<(), Error> {
    let client = client(FROM)?;
    let greedy = &target.scene.greedy;
    let paths = [
        "/v1/audit?format=ndjson".to_owned(),
        "/v1/audit?format=csv".to_owned(),
        format!("/v1/cohorts/{}/roster?format=csv", greedy.cohort),
        "/v1/marking-queue?format=csv".to_owned(),
    ];
    again_and_again(&target, AT_ONCE, |nth| {
        request(&client, &target, Method::GET, (&greedy.host, &greedy.admin.token), &paths[nth % paths.len()])
    })
    .await;
    Ok(())
}
