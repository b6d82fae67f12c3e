//! The rules of person, tested: given events, when a command, then events or a rule.

use cqrs_es::test::{AggregateResultValidator, TestFramework};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    AddSecondFactor, BootstrapOwner, ChangeEmail, Ends, MAX_SECOND_FACTORS, Person, PersonCommand, PersonEvent,
    PersonFacts, PersonRule, ReleaseOwner, RemoveSecondFactor, RemoveSecondFactors, Role, SecondFactorKind,
};
use crate::actor::{Actor, Authority};
use crate::aggregate::AggregateCommand;
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::command::Command;
use crate::given::{self, ADMIN, NOBODY, OWNER, STUDENT, by};
use crate::ids::PersonId;
use crate::origin::Origin;
use crate::personal::Personal;
use crate::text::{Email, Name, NewEmail};

type Outcome = AggregateResultValidator<Person>;

/// What an actor's command about the student brings.
fn when(given: Vec<PersonEvent>, actor: (PersonId, Authority), name: &str, body: Value) -> Outcome {
    when_claimed(given, actor, name, body, PersonFacts { owners: 2, ..PersonFacts::default() })
}

fn when_claimed(
    given: Vec<PersonEvent>,
    (actor, authority): (PersonId, Authority),
    name: &str,
    mut body: Value,
    mut facts: PersonFacts,
) -> Outcome {
    body["person_id"] = json!(STUDENT);
    let Command::Person(command) = given::command(name, body) else { panic!("{name} is about a person") };
    facts.person_id = Some(STUDENT);
    TestFramework::with(()).given(given).when(AggregateCommand { command, context: by(actor, authority), facts })
}

const AN_OWNER: (PersonId, Authority) = (OWNER, Authority::Owner);
const AN_ADMIN: (PersonId, Authority) = (ADMIN, Authority::Admin);
const THEMSELVES: (PersonId, Authority) = (STUDENT, Authority::Owner);

fn soren() -> PersonEvent {
    PersonEvent::PersonRegistered {
        name: "Søren".into(),
        email: "soren@example.org".into(),
        external_id: None,
        origin: Origin::Hand,
    }
}

fn granted(role: Role, bootstrapped: bool) -> PersonEvent {
    PersonEvent::RoleGranted { role, bootstrapped }
}

fn deactivated() -> PersonEvent {
    PersonEvent::PersonDeactivated { reason: "has left".into() }
}

fn corrected(name: Option<&str>, email: Option<&str>) -> PersonEvent {
    PersonEvent::PersonCorrected {
        name: name.map(Into::into),
        email: email.map(Into::into),
        origin: Origin::Hand,
        themselves: false,
        email_before: email.map(|_| "soren@example.org".into()),
    }
}

#[test]
fn registers_a_person_with_what_is_known() {
    let body = json!({ "name": " Søren ", "email": "soren@example.org", "external_id": "SØ-17" });
    when(vec![], AN_ADMIN, "RegisterPerson", body).then_expect_events(vec![PersonEvent::PersonRegistered {
        name: "Søren".into(),
        email: "soren@example.org".into(),
        external_id: Some("SØ-17".into()),
        origin: Origin::Hand,
    }]);
}

#[test]
fn refuses_to_register_an_address_that_another_person_has() {
    let facts = PersonFacts { email_owner: Some(ADMIN), ..PersonFacts::default() };
    let body = json!({ "name": "Søren", "email": "soren@example.org" });
    when_claimed(vec![], AN_ADMIN, "RegisterPerson", body, facts).then_expect_error(PersonRule::EmailTaken);
}

#[test]
fn refuses_to_register_an_external_id_that_another_person_has() {
    let facts = PersonFacts { external_id_owner: Some(ADMIN), ..PersonFacts::default() };
    let body = json!({ "name": "Søren", "email": "soren@example.org", "external_id": "SØ-17" });
    when_claimed(vec![], AN_ADMIN, "RegisterPerson", body, facts).then_expect_error(PersonRule::ExternalIdTaken);
}

#[test]
fn corrects_only_what_changed() {
    let body = json!({ "name": "Sören", "email": "soren@example.org" });
    when(vec![soren()], AN_ADMIN, "CorrectPerson", body).then_expect_events(vec![corrected(Some("Sören"), None)]);
}

#[test]
fn corrects_nothing_where_nothing_changed() {
    let body = json!({ "name": "Søren", "email": "soren@example.org" });
    when(vec![soren()], AN_ADMIN, "CorrectPerson", body).then_expect_events(vec![]);
}

#[test]
fn corrects_the_case_of_a_persons_own_address() {
    let facts = PersonFacts { email_owner: Some(STUDENT), ..PersonFacts::default() };
    when_claimed(vec![soren()], AN_ADMIN, "CorrectPerson", json!({ "email": "Soren@example.org" }), facts)
        .then_expect_events(vec![corrected(None, Some("Soren@example.org"))]);
}

#[test]
fn refuses_to_correct_to_an_address_that_another_person_has() {
    let facts = PersonFacts { email_owner: Some(ADMIN), ..PersonFacts::default() };
    when_claimed(vec![soren()], AN_ADMIN, "CorrectPerson", json!({ "email": "adam@example.org" }), facts)
        .then_expect_error(PersonRule::EmailTaken);
}

#[test]
fn refuses_an_admin_who_would_take_over_an_owners_address() {
    let owner = vec![soren(), granted(Role::Owner, false)];
    let body = json!({ "email": "mine@example.org" });
    when(owner.clone(), AN_ADMIN, "CorrectPerson", body.clone()).then_expect_error(PersonRule::OwnerProtected);
    when(owner.clone(), AN_OWNER, "CorrectPerson", body)
        .then_expect_events(vec![corrected(None, Some("mine@example.org"))]);
    when(owner, AN_ADMIN, "CorrectPerson", json!({ "name": "Sören" }))
        .then_expect_events(vec![corrected(Some("Sören"), None)]);
}

#[test]
fn grants_a_role_once() {
    let body = json!({ "role": "admin" });
    let grant = granted(Role::Admin, false);
    when(vec![soren()], AN_OWNER, "GrantRole", body.clone()).then_expect_events(vec![grant.clone()]);
    when(vec![soren(), grant], AN_OWNER, "GrantRole", body).then_expect_events(vec![]);
}

#[test]
fn refuses_a_role_to_whoever_is_deactivated() {
    when(vec![soren(), deactivated()], AN_OWNER, "GrantRole", json!({ "role": "owner" }))
        .then_expect_error(PersonRule::PersonInactive { role: Role::Owner });
}

#[test]
fn revokes_a_role_once() {
    let body = json!({ "role": "admin" });
    let revoked = PersonEvent::RoleRevoked { role: Role::Admin };
    let admin = vec![soren(), granted(Role::Admin, false)];
    when(admin.clone(), AN_OWNER, "RevokeRole", body.clone()).then_expect_events(vec![revoked.clone()]);
    when([admin, vec![revoked]].concat(), AN_OWNER, "RevokeRole", body).then_expect_events(vec![]);
}

#[test]
fn refuses_to_take_the_bootstrapped_role_from_somebody_else() {
    let first = vec![soren(), granted(Role::Owner, true)];
    let body = json!({ "role": "owner" });
    when(first.clone(), AN_OWNER, "RevokeRole", body.clone()).then_expect_error(PersonRule::OwnerIsBootstrapped);
    for who in [THEMSELVES, (OWNER, Authority::SuperAdmin)] {
        when(first.clone(), who, "RevokeRole", body.clone())
            .then_expect_events(vec![PersonEvent::RoleRevoked { role: Role::Owner }]);
    }
    let released = [first, vec![PersonEvent::OwnerReleased {}]].concat();
    when(released, AN_OWNER, "RevokeRole", body)
        .then_expect_events(vec![PersonEvent::RoleRevoked { role: Role::Owner }]);
}

#[test]
fn refuses_to_remove_the_last_owner_who_may_act_whoever_asks() {
    let last = || PersonFacts { owners: 1, ..PersonFacts::default() };
    let removals = [("RevokeRole", json!({ "role": "owner" })), ("DeactivatePerson", json!({ "reason": "has left" }))];
    for owner in [vec![soren(), granted(Role::Owner, false)], vec![soren(), granted(Role::Owner, true)]] {
        for who in [THEMSELVES, (NOBODY, Authority::SuperAdmin)] {
            for (name, body) in removals.clone() {
                when_claimed(owner.clone(), who, name, body, last()).then_expect_error(PersonRule::LastOwner);
            }
        }
        // Whoever may not act any more is none of the owners who are left.
        let former = [owner, vec![deactivated()]].concat();
        when_claimed(former, THEMSELVES, "RevokeRole", json!({ "role": "owner" }), last())
            .then_expect_events(vec![PersonEvent::RoleRevoked { role: Role::Owner }]);
    }
    let admin = vec![soren(), granted(Role::Admin, false)];
    when_claimed(admin, AN_OWNER, "DeactivatePerson", json!({ "reason": "has left" }), last())
        .then_expect_events(vec![deactivated()]);
}

#[test]
fn owners_who_may_act_are_claimed() {
    let key = ClaimKey::owner(STUDENT);
    let (owner, admin) = (granted(Role::Owner, false), granted(Role::Admin, false));
    let taken = claims(&[soren()], &owner).takes;
    assert_eq!(taken, [(key.clone(), STUDENT.0)]);
    let revoked = PersonEvent::RoleRevoked { role: Role::Owner };
    for removal in [&revoked, &deactivated()] {
        let changes = claims(&[soren(), owner.clone()], removal);
        assert_eq!((changes.takes.len(), changes.releases), (0, vec![key.clone()]), "{removal:?}");
    }
    let back = claims(&[soren(), owner.clone(), deactivated()], &PersonEvent::PersonReactivated {});
    assert_eq!(back.takes, [(key, STUDENT.0)]);
    for (before, event) in [
        (vec![soren()], &admin),
        (vec![soren()], &deactivated()),
        (vec![soren(), owner.clone()], &granted(Role::Owner, true)),
        (vec![soren(), owner.clone()], &PersonEvent::OwnerReleased {}),
        (vec![soren(), owner, deactivated()], &revoked),
    ] {
        assert_eq!(claims(&before, event), ClaimChanges::default(), "{event:?}");
    }
}

#[test]
fn releases_an_owner_once() {
    let release = |given: Vec<PersonEvent>| {
        let command = PersonCommand::ReleaseOwner(ReleaseOwner { person_id: STUDENT });
        let by = by(NOBODY, Authority::System);
        TestFramework::<Person>::with(()).given(given).when(AggregateCommand {
            command,
            context: by,
            facts: PersonFacts::default(),
        })
    };
    release(vec![soren(), granted(Role::Owner, true)]).then_expect_events(vec![PersonEvent::OwnerReleased {}]);
    release(vec![soren(), granted(Role::Owner, false)]).then_expect_events(vec![]);
    release(vec![soren()]).then_expect_events(vec![]);
}

#[test]
fn deactivates_and_reactivates_once() {
    let body = json!({ "reason": "has left" });
    when(vec![soren()], AN_ADMIN, "DeactivatePerson", body.clone()).then_expect_events(vec![deactivated()]);
    when(vec![soren(), deactivated()], AN_ADMIN, "DeactivatePerson", body).then_expect_events(vec![]);
    when(vec![soren(), deactivated()], AN_ADMIN, "ReactivatePerson", json!({}))
        .then_expect_events(vec![PersonEvent::PersonReactivated {}]);
    when(vec![soren()], AN_ADMIN, "ReactivatePerson", json!({})).then_expect_events(vec![]);
}

#[test]
fn refuses_an_admin_who_would_deactivate_or_reactivate_an_owner() {
    let owner = vec![soren(), granted(Role::Owner, false)];
    let body = json!({ "reason": "has left" });
    when(owner.clone(), AN_ADMIN, "DeactivatePerson", body.clone()).then_expect_error(PersonRule::OwnerProtected);
    when(owner.clone(), AN_OWNER, "DeactivatePerson", body).then_expect_events(vec![deactivated()]);
    let former = [owner, vec![deactivated()]].concat();
    when(former.clone(), AN_ADMIN, "ReactivatePerson", json!({})).then_expect_error(PersonRule::OwnerProtected);
    when(former, AN_OWNER, "ReactivatePerson", json!({})).then_expect_events(vec![PersonEvent::PersonReactivated {}]);
}

#[test]
fn refuses_another_owner_who_would_deactivate_the_bootstrapped_one() {
    let first = vec![soren(), granted(Role::Owner, true)];
    let body = json!({ "reason": "a coup" });
    when(first.clone(), AN_OWNER, "DeactivatePerson", body.clone()).then_expect_error(PersonRule::OwnerIsBootstrapped);
    when(first, THEMSELVES, "DeactivatePerson", body)
        .then_expect_events(vec![PersonEvent::PersonDeactivated { reason: "a coup".into() }]);
}

fn bootstrap(given: Vec<PersonEvent>) -> Outcome {
    let command = PersonCommand::BootstrapOwner(BootstrapOwner {
        person_id: NOBODY,
        name: Personal::new(Name::try_new("Søren").unwrap()),
        email: Personal::new(Email::try_new("soren@example.org").unwrap()),
    });
    let by = crate::actor::DecisionContext {
        actor: Actor::System,
        authority: Authority::System,
        ..by(NOBODY, Authority::System)
    };
    TestFramework::with(()).given(given).when(AggregateCommand { command, context: by, facts: PersonFacts::default() })
}

#[test]
fn bootstraps_the_configured_person_whoever_they_are_now() {
    let role = granted(Role::Owner, true);
    bootstrap(vec![]).then_expect_events(vec![soren(), role.clone()]);
    bootstrap(vec![soren()]).then_expect_events(vec![role.clone()]);
    bootstrap(vec![soren(), granted(Role::Owner, false)]).then_expect_events(vec![role.clone()]);
    bootstrap(vec![soren(), role.clone(), deactivated()]).then_expect_events(vec![PersonEvent::PersonReactivated {}]);
    bootstrap(vec![soren(), role.clone()]).then_expect_events(vec![]);
    // Whoever has the address now and was made owner under another one, is made owner anew: that ends what let them in before.
    let before = PersonEvent::PersonRegistered {
        name: "Søren".into(),
        email: "before@example.org".into(),
        external_id: None,
        origin: Origin::Hand,
    };
    let moved = vec![before, role.clone(), corrected(None, Some("soren@example.org"))];
    bootstrap(moved.clone()).then_expect_events(vec![role.clone()]);
    bootstrap([moved, vec![role]].concat()).then_expect_events(vec![]);
}

fn claims(before: &[PersonEvent], event: &PersonEvent) -> ClaimChanges {
    let mut person = Person::default();
    for event in before {
        person.apply_event(event);
    }
    let mut changes = ClaimChanges::default();
    person.claims(STUDENT, event, &mut changes);
    changes
}

#[test]
fn an_address_is_claimed_in_any_case_and_given_back_when_it_changes() {
    let key = ClaimKey::email("SOREN@example.org");
    let registered = claims(&[], &soren());
    assert_eq!(registered, ClaimChanges { takes: vec![(key.clone(), STUDENT.0)], releases: vec![] });

    let moved = claims(&[soren()], &corrected(None, Some("s@example.net")));
    assert_eq!(moved, ClaimChanges { takes: vec![(ClaimKey::email("s@example.net"), STUDENT.0)], releases: vec![key] });

    let same_key = claims(&[soren()], &corrected(Some("Sören"), Some("Soren@Example.org")));
    assert_eq!(same_key, ClaimChanges::default());
}

#[test]
fn an_external_id_is_claimed_as_it_is_written() {
    let (name, email) = ("Søren".into(), "soren@example.org".into());
    let event = PersonEvent::PersonRegistered { name, email, external_id: Some("SØ-17".into()), origin: Origin::Hand };
    assert!(claims(&[], &event).takes.contains(&(ClaimKey::external_id("SØ-17"), STUDENT.0)));
}

#[test]
fn ways_in_end_with_what_may_have_made_them_somebody_elses() {
    let themselves = PersonEvent::PersonCorrected {
        name: None,
        email: Some("own@example.org".into()),
        origin: Origin::Hand,
        themselves: true,
        email_before: None,
    };
    for (event, ends) in [
        (soren(), Ends::Nothing),
        (corrected(Some("Sören"), None), Ends::Nothing),
        (corrected(None, Some("right@example.org")), Ends::Everything),
        (themselves, Ends::Nothing),
        (granted(Role::Admin, false), Ends::Everything),
        (granted(Role::Owner, true), Ends::Everything),
        (PersonEvent::OwnerReleased {}, Ends::Nothing),
        (PersonEvent::RoleRevoked { role: Role::Admin }, Ends::Nothing),
        (deactivated(), Ends::AllButPassword),
        (PersonEvent::PersonReactivated {}, Ends::Nothing),
        (PersonEvent::AccessEnded {}, Ends::Everything),
        (factor(1, SecondFactorKind::Totp), Ends::Nothing),
        (lost(1, SecondFactorKind::Totp, true), Ends::Nothing),
        (lost(1, SecondFactorKind::Totp, false), Ends::AllButPassword),
    ] {
        assert_eq!(event.ends(), ends, "{event:?}");
    }
}

#[test]
fn an_owners_access_is_ended_by_owners_alone() {
    let owner = || vec![soren(), granted(Role::Owner, false)];
    when(owner(), AN_ADMIN, "EndAccess", json!({})).then_expect_error(PersonRule::OwnerProtected);
    when(owner(), AN_OWNER, "EndAccess", json!({})).then_expect_events(vec![PersonEvent::AccessEnded {}]);
    when(vec![soren()], AN_ADMIN, "EndAccess", json!({})).then_expect_events(vec![PersonEvent::AccessEnded {}]);
}

#[test]
fn nobody_else_in_the_site_ends_a_bootstrapped_owners_access() {
    let first = || vec![soren(), granted(Role::Owner, true)];
    // A role that is given ends everything, too.
    for (command, body) in [("EndAccess", json!({})), ("GrantRole", json!({ "role": "admin" }))] {
        when(first(), AN_OWNER, command, body.clone()).then_expect_error(PersonRule::OwnerIsBootstrapped);
        let released = [first(), vec![PersonEvent::OwnerReleased {}]].concat();
        for (given, who) in [(first(), THEMSELVES), (first(), (OWNER, Authority::SuperAdmin)), (released, AN_OWNER)] {
            let ended = if command == "EndAccess" { PersonEvent::AccessEnded {} } else { granted(Role::Admin, false) };
            when(given, who, command, body.clone()).then_expect_events(vec![ended]);
        }
    }
}

#[test]
fn the_address_of_a_bootstrapped_owner_is_changed_by_themselves_or_a_super_admin() {
    let owner = || vec![soren(), granted(Role::Owner, true)];
    let body = json!({ "email": "somebody.else@example.org" });
    when(owner(), AN_OWNER, "CorrectPerson", body.clone()).then_expect_error(PersonRule::OwnerIsBootstrapped);
    let super_admin = (OWNER, Authority::SuperAdmin);
    when(owner(), super_admin, "CorrectPerson", body.clone())
        .then_expect_events(vec![corrected(None, Some("somebody.else@example.org"))]);
    when(owner(), THEMSELVES, "CorrectPerson", body).then_expect_error(PersonRule::OwnAddress);
    let same = json!({ "name": "Sören", "email": "soren@example.org" });
    when(owner(), THEMSELVES, "CorrectPerson", same).then_expect_events(vec![PersonEvent::PersonCorrected {
        name: Some("Sören".into()),
        email: None,
        origin: Origin::Hand,
        themselves: true,
        email_before: None,
    }]);
    let email = Personal::new(NewEmail::try_new("somebody.else@example.org").unwrap());
    let change = PersonCommand::ChangeEmail(ChangeEmail { person_id: STUDENT, email });
    about_factors(owner(), THEMSELVES, change).then_expect_events(vec![PersonEvent::PersonCorrected {
        name: None,
        email: Some("somebody.else@example.org".into()),
        origin: Origin::Hand,
        themselves: true,
        email_before: Some("soren@example.org".into()),
    }]);
    // A name gives nobody power.
    when(owner(), AN_OWNER, "CorrectPerson", json!({ "name": "Sören" }))
        .then_expect_events(vec![corrected(Some("Sören"), None)]);
}

fn factor(id: u128, kind: SecondFactorKind) -> PersonEvent {
    PersonEvent::SecondFactorAdded { factor_id: Uuid::from_u128(id), kind }
}

fn lost(id: u128, kind: SecondFactorKind, themselves: bool) -> PersonEvent {
    PersonEvent::SecondFactorRemoved { factor_id: Uuid::from_u128(id), kind, themselves }
}

/// A command that no client sends.
fn about_factors(
    given: Vec<PersonEvent>,
    (actor, authority): (PersonId, Authority),
    command: PersonCommand,
) -> AggregateResultValidator<Person> {
    let facts = PersonFacts { person_id: Some(STUDENT), ..PersonFacts::default() };
    let asked = AggregateCommand { command, context: by(actor, authority), facts };
    TestFramework::<Person>::with(()).given(given).when(asked)
}

fn adds(given: Vec<PersonEvent>, id: u128, kind: SecondFactorKind) -> AggregateResultValidator<Person> {
    let command = AddSecondFactor { person_id: STUDENT, factor_id: Uuid::from_u128(id), kind };
    about_factors(given, (STUDENT, Authority::Oneself), PersonCommand::AddSecondFactor(command))
}

#[test]
fn a_new_app_takes_the_place_of_the_one_before_and_passkeys_stay() {
    let (app, passkey) = (|id| factor(id, SecondFactorKind::Totp), |id| factor(id, SecondFactorKind::Passkey));
    adds(vec![soren()], 1, SecondFactorKind::Totp).then_expect_events(vec![app(1)]);
    adds(vec![soren(), app(1)], 1, SecondFactorKind::Totp).then_expect_events(vec![]);
    adds(vec![soren(), app(1), passkey(2)], 3, SecondFactorKind::Totp)
        .then_expect_events(vec![lost(1, SecondFactorKind::Totp, true), app(3)]);
    adds(vec![soren(), app(1), passkey(2)], 3, SecondFactorKind::Passkey).then_expect_events(vec![passkey(3)]);
}

#[test]
fn a_person_has_so_many_second_factors_and_no_more() {
    let full = || {
        [
            vec![soren(), factor(1, SecondFactorKind::Totp)],
            (2..=10).map(|id| factor(id, SecondFactorKind::Passkey)).collect(),
        ]
        .concat()
    };
    adds(full(), 11, SecondFactorKind::Passkey)
        .then_expect_error(PersonRule::TooManySecondFactors { most: MAX_SECOND_FACTORS });
    adds(full(), 11, SecondFactorKind::Totp)
        .then_expect_events(vec![lost(1, SecondFactorKind::Totp, true), factor(11, SecondFactorKind::Totp)]);
}

#[test]
fn a_second_factor_is_removed_once() {
    let remove = |given| {
        let command = RemoveSecondFactor { person_id: STUDENT, factor_id: Uuid::from_u128(1) };
        about_factors(given, (STUDENT, Authority::Oneself), PersonCommand::RemoveSecondFactor(command))
    };
    let added = || vec![soren(), factor(1, SecondFactorKind::Passkey), factor(2, SecondFactorKind::Passkey)];
    remove(added()).then_expect_events(vec![lost(1, SecondFactorKind::Passkey, true)]);
    remove([added(), vec![lost(1, SecondFactorKind::Passkey, true)]].concat()).then_expect_events(vec![]);
}

#[test]
fn lost_second_factors_are_removed_by_admins_and_an_owners_by_super_admins_alone() {
    let remove = |given, by| {
        let command = RemoveSecondFactors { person_id: STUDENT };
        about_factors(given, by, PersonCommand::RemoveSecondFactors(command))
    };
    let added = || vec![factor(1, SecondFactorKind::Totp), factor(2, SecondFactorKind::Passkey)];
    let gone = || vec![lost(1, SecondFactorKind::Totp, false), lost(2, SecondFactorKind::Passkey, false)];
    let somebody = || [vec![soren(), granted(Role::Admin, false)], added()].concat();
    let owner = || [vec![soren(), granted(Role::Owner, false)], added()].concat();
    let super_admin = (OWNER, Authority::SuperAdmin);
    for by in [AN_ADMIN, AN_OWNER, super_admin] {
        remove(somebody(), by).then_expect_events(gone());
        remove(vec![soren()], by).then_expect_events(vec![]);
    }
    for by in [AN_ADMIN, AN_OWNER] {
        remove(owner(), by).then_expect_error(PersonRule::OwnersSecondFactors);
    }
    remove(owner(), super_admin).then_expect_events(gone());
    remove(somebody(), (STUDENT, Authority::Admin)).then_expect_error(PersonRule::OwnSecondFactors);
}

#[test]
fn a_guest_is_another_than_whoever_is_registered_under_their_id() {
    let guest = (STUDENT, Authority::SuperAdmin);
    let added = vec![soren(), factor(1, SecondFactorKind::Totp)];
    about_factors(added, guest, PersonCommand::RemoveSecondFactors(RemoveSecondFactors { person_id: STUDENT }))
        .then_expect_events(vec![lost(1, SecondFactorKind::Totp, false)]);
    when(vec![soren()], guest, "CorrectPerson", json!({ "email": "right@example.org" }))
        .then_expect_events(vec![corrected(None, Some("right@example.org"))]);
}
