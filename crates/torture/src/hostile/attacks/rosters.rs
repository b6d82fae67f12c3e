//! An admin who imports the largest rosters of people whom nobody knows, one after the other, for as long as they may write.

use std::fmt::Write;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::imports::ROSTER_ROWS;
use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};

/// The address of whoever imports.
const FROM: u8 = 10;
/// How many are imported at a time.
const AT_ONCE: usize = 2;

/// A roster of nobody who is in another one.
fn roster(nth: usize) -> String {
    (0..ROSTER_ROWS).fold("name,email\n".to_owned(), |mut file, row| {
        // Writing to a String cannot fail.
        let _ = writeln!(file, "Nobody {row},{nth}.{row}@rosters.greedy.test");
        file
    })
}

/// Imports them.
pub async fn run(target: Target) -> Result<(), Error> {
    let client = client(FROM)?;
    let greedy = &target.scene.greedy;
    let path = format!("/v1/cohorts/{}/roster-import?commit=true", greedy.cohort);
    let imports = |nth: usize| {
        let request = request(&client, &target, Method::POST, (&greedy.host, &greedy.admin.token), &path);
        request.header(CONTENT_TYPE, "text/csv").body(roster(nth))
    };
    again_and_again(&target, AT_ONCE, imports).await;
    Ok(())
}
