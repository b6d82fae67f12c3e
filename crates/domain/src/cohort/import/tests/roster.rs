//! Who is registered, enrolled, found, and left.

use crate::enrolment::MembershipEvent;
use serde_json::json;

use super::*;

#[test]
fn registers_and_enrols_who_is_unknown_in_one_append() {
    let plan = school().import(
        0x100,
        vec![row("Zoë", "Zoe@example.org").known_as("LW-1").at("northland"), row("Lars", "lars@example.org")],
    );
    assert_eq!(outcomes(&plan), [RowOutcome::New, RowOutcome::New]);
    assert_eq!(types(&plan), ["PersonRegistered", "StudentEnrolled", "PersonRegistered", "StudentEnrolled"]);
    let Event::Enrolment(EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled { hub_id, origin, .. })) =
        &plan.writes[1].events[0]
    else {
        panic!("{:?}", plan.writes[1])
    };
    assert_eq!((*hub_id, *origin), (Some(NORTH), Origin::File));
    let taken: Vec<_> = plan.claims.takes.iter().map(|(key, _)| key.kind).collect();
    assert_eq!(taken.iter().filter(|kind| **kind == ClaimKind::Email).count(), 2);
    assert_eq!(taken.iter().filter(|kind| **kind == ClaimKind::ExternalId).count(), 1);
}

#[test]
fn the_same_rows_again_are_no_events() {
    let mut school = school();
    let rows = vec![row("Zoë", "zoe@example.org").known_as("LW-1").at("Northland"), row("Lars", "lars@example.org")];
    school.import(0x100, rows.clone());
    let again = school.import(0x200, rows);
    assert_eq!(outcomes(&again), [RowOutcome::Unchanged, RowOutcome::Unchanged]);
    assert!(again.writes.is_empty() && again.claims.takes.is_empty() && again.limits.is_empty(), "{again:?}");
}

#[test]
fn enrols_who_is_known_by_external_id_or_by_email_in_any_case() {
    let mut school = school();
    school.entered(person(1), "Zoë", "zoe@example.org", Some("LW-1"));
    school.entered(person(2), "Lars", "lars@example.org", None);
    let plan =
        school.import(0x100, vec![row("Zoë", "other@example.org").known_as("LW-1"), row("Lars", "LARS@example.org")]);
    assert_eq!(outcomes(&plan), [RowOutcome::Known, RowOutcome::Known]);
    assert_eq!(types(&plan), ["StudentEnrolled", "StudentEnrolled"]);
    assert_eq!(plan.rows[0].kept, ["email"]);
}

#[test]
fn a_second_row_about_the_same_person_names_the_first() {
    let mut school = school();
    school.entered(person(1), "Zoë", "zoe@example.org", Some("LW-1"));
    let rows = vec![
        row("Zoë", "zoe.new@example.org").known_as("LW-1").numbered(2),
        row("Zoë", "zoe@example.org").numbered(3),
        row("Lars", "lars@example.org").known_as("LW-2").numbered(4),
        row("Lasse", "LARS@example.org").numbered(5),
        row("Lasse", "lasse@example.org").known_as("LW-2").numbered(6),
    ];
    let plan = school.import(0x100, rows);
    assert_eq!(codes(&plan), ["", "duplicate_row", "", "duplicate_row", "duplicate_row"]);
    let told: Vec<_> =
        plan.rows.iter().filter_map(|row| Some((row.number, row.column.as_deref(), row.reason.as_deref()?))).collect();
    assert!(told[0].2.starts_with("row 2 "), "{told:?}");
    assert_eq!((told[1].0, told[1].1), (5, Some("email")));
    assert_eq!((told[2].0, told[2].1), (6, Some("external_id")));
}

#[test]
fn finds_no_place_once_the_cohort_is_full() {
    let mut school = school();
    school.happened(COHORT, [CohortEvent::CapacitySet { capacity: Some(3) }]);
    school.enrol(1, COHORT);
    let rows = ["a", "b", "c"].map(|name| row(name, &format!("{name}@example.org"))).to_vec();
    let plan = school.import(0x100, rows.clone());
    assert_eq!(outcomes(&plan), [RowOutcome::New, RowOutcome::New, RowOutcome::Wrong]);
    assert_eq!(codes(&plan)[2], "cohort_full");
    assert_eq!(plan.limits, [Limit::at_most(ClaimSet::places(COHORT), 3)], "one limit for all rows");
    let again = school.import(0x200, rows);
    assert!(again.writes.is_empty());
    assert_eq!(outcomes(&again), [RowOutcome::Unchanged, RowOutcome::Unchanged, RowOutcome::Wrong]);
}

#[test]
fn a_rule_makes_a_wrong_row_and_not_a_refusal() {
    let mut school = school();
    school.entered(person(1), "Away", "away@example.org", None);
    school.happened(person(1), [PersonEvent::PersonDeactivated { reason: "has left".into() }]);
    let elsewhere = school.enrol(2, OTHER_COHORT);
    let email = format!("{}@example.org", person(2));
    school.hold(ClaimKey::email(&email), person(2).0);
    let rows = vec![row("Away", "away@example.org"), row("Student 2", &email), row("Zoë", "zoe@example.org")];
    let plan = school.import(0x100, rows);
    assert_eq!(codes(&plan), ["person_inactive", "active_elsewhere", ""]);
    assert_eq!(types(&plan), ["PersonRegistered", "StudentEnrolled"]);
    assert!(plan.rows[1].reason.as_ref().is_some_and(|reason| reason.contains(&elsewhere.to_string())));
}

#[test]
fn nobody_new_comes_into_a_cohort_that_has_ended() {
    let mut school = school();
    school.import(0x100, vec![row("Zoë", "zoe@example.org")]);
    school.happened(COHORT, [CohortEvent::CohortCompleted {}]);
    let plan = school.import(0x200, vec![row("Zoë", "zoe@example.org"), row("Lars", "lars@example.org")]);
    assert_eq!(outcomes(&plan), [RowOutcome::Unchanged, RowOutcome::Wrong]);
    assert_eq!(codes(&plan)[1], "cohort_closed");
}

#[test]
fn the_withdrawn_stay_withdrawn_and_are_told() {
    let mut school = school();
    let plan = school.import(0x100, vec![row("Zoë", "zoe@example.org").at("Northland")]);
    let enrolment = only(&plan).enrolment_id.unwrap();
    school.lived(enrolment, [withdrawn()]);
    let again = school.import(0x200, vec![row("Zoë", "zoe@example.org").at("Southland")]);
    assert!(again.writes.is_empty());
    assert_eq!((only(&again).outcome, codes(&again)[0]), (RowOutcome::Unchanged, "stays_withdrawn"));
}

#[test]
fn a_hub_is_one_that_is_open_by_name_or_id() {
    let mut school = school();
    school.founded(HubId(Uuid::from_u128(0x62)), "SOUTHLAND");
    let closed = HubId(Uuid::from_u128(0x63));
    school
        .happened(closed, [HubEvent::HubFounded { name: "Westland".to_owned(), place: None }, HubEvent::HubClosed {}]);
    let rows = ["Nowhere", "Southland", "Westland", &closed.to_string(), &SOUTH.to_string(), " NORTHLAND "];
    let rows = (0..).zip(rows).map(|(n, hub)| row("Zoë", &format!("zoe{n}@example.org")).at(hub)).collect();
    let plan = school.import(0x100, rows);
    assert_eq!(codes(&plan), ["unknown_hub", "ambiguous_hub", "unknown_hub", "unknown_hub", "", ""]);
    assert_eq!(plan.rows[0].column.as_deref(), Some("hub"));
    assert_eq!(plan.rows[1].reason.as_deref(), Some(&*ImportRule::AmbiguousHub { count: 2 }.to_string()));
}

#[test]
fn an_address_of_somebody_with_another_external_id_is_nobodys_else() {
    let mut school = school();
    school.entered(person(1), "Zoë", "zoe@example.org", Some("LW-1"));
    school.entered(person(2), "Lars", "lars@example.org", None);
    let rows = vec![row("Zoë", "zoe@example.org").known_as("LW-2"), row("Lars", "lars@example.org").known_as("LW-3")];
    let plan = school.import(0x100, rows);
    assert_eq!(codes(&plan), ["has_another_external_id", ""]);
    assert_eq!(types(&plan), ["ExternalIdAssigned", "StudentEnrolled"]);
}

#[test]
fn only_who_is_known_does_without_a_name_and_an_address() {
    let mut school = school();
    school.entered(person(1), "Zoë", "zoe@example.org", Some("LW-1"));
    let bare = |id: &str| RosterRow { name: None, email: None, ..row("x", "x@example.org") }.known_as(id);
    let nobody = RosterRow { name: None, email: None, ..row("x", "x@example.org") };
    let plan = school.import(0x100, vec![bare("LW-1"), bare("LW-2"), nobody]);
    assert_eq!(codes(&plan), ["", "missing", "nobody"]);
    assert_eq!(types(&plan), ["StudentEnrolled"]);
}

#[test]
fn refuses_a_cohort_that_is_not_there_and_more_rows_than_it_takes() {
    let school = school();
    let missing = Command::from(ImportRoster { cohort_id: crate::CohortId(Uuid::nil()), rows: Vec::new() });
    assert!(matches!(school.plan(missing), Err(Refusal::NotFound(_))));
    let many = roster(0x100, vec![row("Zoë", "zoe@example.org"); crate::cohort::MAX_ROWS + 1]);
    assert_eq!(invalid(school.plan(many)), ["/rows"]);
}

#[test]
fn no_client_chooses_the_ids_of_who_is_new() {
    let body = json!({ "cohort_id": COHORT, "rows": [{ "name": "Zoë", "email": "zoe@example.org", "new_ids": null }] });
    assert!(Command::decode("ImportRoster", body).unwrap().is_err());
}
