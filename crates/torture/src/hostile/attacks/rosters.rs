//! An admin who imports the largest rosters that there may be, one after the other, several at once.

use reqwest::Method;
use serde_json::json;

use super::imports::ROSTER_ROWS;
use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};

/// The address of whoever imports.
const FROM: u8 = 10;
/// How many are imported at a time.
const AT_ONCE: usize = 3;

/// Imports.
pub async fn run(target: Target) -> Result<(), Error> {
    let client = client(FROM)?;
    let greedy = &target.scene.greedy;
    again_and_again(&target, AT_ONCE, |nth| {
        let row = |row| json!({"name": format!("New {row}"), "email": format!("new.{nth}.{row}@greedy.test")});
        let rows: Vec<_> = (0..ROSTER_ROWS).map(row).collect();
        let who = (greedy.host.as_str(), greedy.admin.token.as_str());
        let request = request(&client, &target, Method::POST, who, "/v1/commands/ImportRoster");
        request.json(&json!({"cohort_id": greedy.cohort, "rows": rows}))
    })
    .await;
    Ok(())
}
