//! What operators see of parked streams, and what a parked stream gives nobody any more.

use rollbook_domain::SiteId;
use serde_json::json;

use super::{make_it_known, run, write_unknown};
use crate::school::School;

#[tokio::test]
async fn what_is_parked_is_shown_to_admins_and_gives_nobody_a_right() {
    let school = School::open().await;
    let (service, pool) = (&school.service, &school.service.database.pool);
    let roster = format!("/v1/cohorts/{}/roster", school.cohort);
    service.get(&school.instructor, &roster).await;
    let position = write_unknown(pool, "cohort", &school.cohort).await;
    service.executor.store().announce(position);
    let projections = service.items(&school.owner, "/v1/projections").await;
    assert!(projections.iter().all(|item| item["parked"] == 1 && item["status"] == "live"), "{projections:?}");
    assert_eq!(service.ask("", "/readyz").await.status, 200, "it serves what it can");
    let parked = service.items(&school.owner, "/v1/projections/cohorts/parked").await;
    assert_eq!(parked.len(), 1);
    let expected = json!({"projection": "cohorts", "stream_type": "cohort", "stream_id": school.cohort,
        "position": position, "site_id": SiteId::DEFAULT.to_string()});
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(parked[0][field], *value, "{field}");
    }
    assert_eq!(service.ask(&school.instructor, "/v1/projections/cohorts/parked").await.status, 403);
    assert_eq!(service.ask(&school.owner, "/v1/projections/nothing/parked").await.status, 404);
    assert_eq!(service.ask(&school.owner, "/v1/projections/cohorts/parked?after=x").await.status, 422);
    // Whether the instructor has been dismissed since is not known.
    assert_eq!(service.ask(&school.instructor, &roster).await.status, 404);

    make_it_known(pool).await;
    run(pool, "alter table events disable trigger events_append_only").await;
    let sql = "update events set event_type = 'CapacitySet', payload = '{\"CapacitySet\": {\"capacity\": 9}}'
        where position = $1";
    sqlx::query(sql).bind(position).execute(pool).await.expect("it is known");
    run(pool, "alter table events enable trigger events_append_only").await;
    let path = "/v1/projections/cohorts/retry";
    let retried = crate::harness::answer(service.request(reqwest::Method::POST, &school.owner, path)).await;
    assert_eq!((retried.status, &retried.json), (200, &json!({"name": "cohorts", "mended": 1, "parked": 0})));
    service.get(&school.instructor, &roster).await;
    assert_eq!(service.get(&school.owner, &format!("/v1/cohorts/{}", school.cohort)).await["capacity"], 9);
}
