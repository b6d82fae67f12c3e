//! Whoever has lost their second factors: who takes them away, and what ends with that.

use serde_json::json;

use super::{half, own, removes_all, shows, somebody};
use crate::accounts::{PASSWORD, audit, lets_in, refused, signs_in};
use crate::harness::Service;
use crate::school::{BEFORE, School};

#[tokio::test]
async fn an_admin_removes_what_somebody_has_lost_and_ends_what_they_had_open() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let half = half(service, &who.email).await;
    let student = lets_in(service, &school.person("Ben").await).await;
    assert_eq!(removes_all(service, &student, &who.person).await.status, 403);
    assert_eq!(removes_all(service, &school.marker, &who.person).await.status, 403);
    assert_eq!(service.ask(&who.session, "/v1/me").await.status, 200);
    let nobody = uuid::Uuid::new_v4().to_string();
    assert_eq!(refused(&removes_all(service, &school.admin, &nobody).await), (404, "not_found"));
    let access = service.ask(&school.admin, &format!("/v1/people/{}/access", who.person)).await;
    assert_eq!(access.json["second_factors"][0]["kind"], "totp", "{}", access.text);

    for _ in 0..2 {
        assert_eq!(removes_all(service, &school.admin, &who.person).await.status, 204, "again is no mistake");
    }
    assert_eq!(service.ask(&who.session, "/v1/me").await.status, 401, "it ends sessions");
    let shown = shows(service, &half, &who.codes[0]).await;
    assert_eq!(refused(&shown), (401, "half_sign_in_gone"));
    let again = signs_in(service, &who.email, PASSWORD).await;
    assert_eq!(again.status, 200, "the password alone: {}", again.text);
    let left = own(service, &super::text(&again.json["token"])).await;
    assert_eq!(left, json!({"items": [], "recovery_codes_left": 0, "required": false}));
    let said = audit(service, &who.person).await;
    assert_eq!(said.iter().filter(|(action, _)| action == "second_factor_removed").count(), 1, "{said:?}");
}

#[tokio::test]
async fn nobody_removes_their_own_so_and_an_owners_is_removed_by_super_admins() {
    let school = School::of(Service::with_super_admin(BEFORE).await, json!({})).await;
    let service = &school.service;
    let person = school.person("Oihane").await;
    school.command("GrantRole", json!({"person_id": person, "role": "owner"})).await;
    let who = somebody(service, person).await;
    let another = school.person("Olu").await;
    school.command("GrantRole", json!({"person_id": another, "role": "owner"})).await;
    let another = service.token(&another).await;
    for token in [&school.admin, &another] {
        assert_eq!(refused(&removes_all(service, token, &who.person).await), (409, "owners_second_factors"));
    }
    assert_eq!(refused(&removes_all(service, &who.session, &who.person).await), (409, "own_second_factors"));
    assert_eq!(service.ask(&who.session, "/v1/me").await.status, 200);
    // At home, too, a super admin does this as what they are.
    assert_eq!(removes_all(service, &school.owner, &who.person).await.status, 204);
    assert_eq!(service.ask(&who.session, "/v1/me").await.status, 401);

    let north = service.site("north").await;
    let owner = super::text(&north.get(&north.owner, "/v1/me").await["person_id"]);
    assert_eq!(removes_all(&north, &school.owner, &owner).await.status, 204, "as a guest");
    assert_eq!(refused(&removes_all(&north, &north.owner, &who.person).await), (404, "not_found"), "another school's");
}
