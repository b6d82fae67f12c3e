//! Hubs that a roster names.

use serde_json::json;

use super::counts;
use crate::school::School;

#[tokio::test]
async fn a_roster_names_open_hubs_and_no_closed_ones() {
    let school = School::open().await;
    let closed = school.service.create(&school.owner, "FoundHub", json!({"name": "Westland"})).await;
    let file = "name,email,hub\nZoë,zoe@example.org,northland\nLars,lars@example.org,Westland\n";
    assert_eq!(counts(&school.roster(false, file).await), [2, 0, 0, 0, 0]);
    school.command("CloseHub", json!({"hub_id": closed})).await;
    assert_eq!(counts(&school.roster(true, file).await), [1, 0, 0, 0, 1]);
}
