//! What somebody entered by hand stays; what only the file changed follows the file.

use super::*;
use crate::enrolment::MembershipEvent;
use crate::person::PersonRule;

/// A student whom a file brought in.
fn imported(school: &mut School) -> (PersonId, EnrolmentId) {
    let plan = school.import(0x100, vec![row("Zoë", "zoe@example.org").known_as("LW-1").at("Northland")]);
    let told = only(&plan);
    (told.person_id.unwrap(), told.enrolment_id.unwrap())
}

fn corrected(name: Option<&str>, email: Option<&str>) -> PersonEvent {
    PersonEvent::PersonCorrected {
        name: name.map(Into::into),
        email: email.map(Into::into),
        origin: Origin::Hand,
        themselves: false,
        email_before: None,
    }
}

#[test]
fn what_only_the_file_changed_is_updated() {
    let mut school = school();
    let (person, enrolment) = imported(&mut school);
    let changed = row("Zoë Ek", "zoe.ek@example.org").known_as("LW-1").at("Southland");
    let plan = school.import(0x200, vec![changed.clone()]);
    assert_eq!(only(&plan).outcome, RowOutcome::Updated);
    let name = Some("Zoë Ek".into());
    let email = Some("zoe.ek@example.org".into());
    let email_before = Some("zoe@example.org".into());
    assert_eq!(
        plan.writes[0].events,
        [PersonEvent::PersonCorrected { name, email, origin: Origin::File, themselves: false, email_before }.into()]
    );
    assert_eq!(plan.writes[0].stream, person.into());
    let joined = EnrolmentEvent::Membership(MembershipEvent::HubJoined {
        hub_id: SOUTH,
        previous: Some(NORTH),
        origin: Origin::File,
    });
    assert_eq!(events(&plan, enrolment), [joined.into()]);
    assert_eq!(school.owner(&ClaimKey::email("zoe.ek@example.org")), Some(person.0));
    assert_eq!(school.owner(&ClaimKey::email("zoe@example.org")), None);
    assert!(school.import(0x300, vec![changed]).writes.is_empty());
}

#[test]
fn what_somebody_corrected_is_not_changed_back_by_the_same_or_a_later_file() {
    let mut school = school();
    let (person, enrolment) = imported(&mut school);
    school.happened(person, [corrected(Some("Zoé"), Some("zoe@example.com"))]);
    school.lived(enrolment, [EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id: NORTH })]);
    for (name, hub) in [("Zoë", "Northland"), ("Zoë Ek", "Southland")] {
        let plan = school.import(0x200, vec![row(name, "zoe@example.org").known_as("LW-1").at(hub)]);
        assert!(plan.writes.is_empty(), "{plan:?}");
        assert_eq!(
            (only(&plan).outcome, &*only(&plan).kept),
            (RowOutcome::Unchanged, &["name", "email", "hub"].map(str::to_owned)[..])
        );
    }
}

#[test]
fn each_field_is_kept_by_itself() {
    let mut school = school();
    let (person, enrolment) = imported(&mut school);
    school.happened(person, [corrected(Some("Zoé"), None)]);
    let joined = EnrolmentEvent::Membership(MembershipEvent::HubJoined {
        hub_id: SOUTH,
        previous: Some(NORTH),
        origin: Origin::Hand,
    });
    school.lived(enrolment, [joined]);
    let plan = school.import(0x200, vec![row("Zoë", "new@example.org").known_as("LW-1").at("Northland")]);
    assert_eq!(types(&plan), ["PersonCorrected"]);
    assert_eq!(only(&plan).kept, ["name", "hub"]);
    assert_eq!(school.owner(&ClaimKey::email("new@example.org")), Some(person.0));
}

#[test]
fn who_was_registered_by_hand_was_entered_by_hand() {
    let mut school = school();
    school.entered(person(1), "Zoë", "zoe@example.org", Some("LW-1"));
    let plan = school.import(0x100, vec![row("Zoë Ek", "new@example.org").known_as("LW-1")]);
    assert_eq!(
        (only(&plan).outcome, &*only(&plan).kept),
        (RowOutcome::Known, &["name", "email"].map(str::to_owned)[..])
    );
}

#[test]
fn who_was_enrolled_without_a_hub_gets_the_one_of_the_file() {
    let mut school = school();
    school.entered(person(1), "Zoë", "zoe@example.org", None);
    let enrolled = EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
        cohort_id: COHORT,
        person_id: person(1),
        hub_id: None,
        week: 1,
        moved_from: None,
        origin: Origin::Hand,
    });
    school.lived(enrolment(1), [enrolled]);
    let plan = school.import(0x100, vec![row("Zoë", "zoe@example.org").at("Northland")]);
    assert_eq!((only(&plan).outcome, types(&plan)), (RowOutcome::Updated, vec!["HubJoined"]));
    let silent = school.import(0x200, vec![row("Zoë", "zoe@example.org")]);
    assert!(silent.writes.is_empty(), "a file that names no hub says nothing about one");
}

#[test]
fn an_address_that_another_person_has_is_a_wrong_row() {
    let mut school = school();
    imported(&mut school);
    school.entered(person(2), "Lars", "lars@example.org", None);
    let plan = school.import(0x200, vec![row("Zoë Ek", "lars@example.org").known_as("LW-1")]);
    assert!(plan.writes.is_empty());
    assert_eq!((codes(&plan)[0], only(&plan).column.as_deref()), ("email_taken", Some("email")));
    assert_eq!(only(&plan).reason.as_deref(), Some(&*PersonRule::EmailTaken.to_string()));
}

#[test]
fn an_admins_file_does_not_change_an_owners_address() {
    let mut school = school();
    let (person, _) = imported(&mut school);
    let owner = PersonEvent::RoleGranted { role: crate::person::Role::Owner, bootstrapped: false };
    school.happened(person, [owner]);
    let plan = school.import(0x200, vec![row("Zoë", "mine@example.org").known_as("LW-1")]);
    assert_eq!(codes(&plan), ["owner_protected"]);
}

#[test]
fn nobodys_file_changes_their_own_address() {
    let mut school = school();
    let (person, _) = imported(&mut school);
    school.happened(person, [PersonEvent::RoleGranted { role: crate::person::Role::Admin, bootstrapped: false }]);
    let rows = vec![row("Zoë", "mine@example.org").known_as("LW-1")];
    let plan = school.plan_by(person, roster(0x200, rows.clone())).unwrap();
    assert_eq!((codes(&plan), plan.writes.is_empty()), (vec!["own_address"], true));
    assert_eq!(types(&school.import(0x300, rows)), ["PersonCorrected"]);
}
