//! The rules of accounts, tested: given events, when a command, then events or a rule.

use std::sync::Arc;

use chrono::TimeDelta;
use cqrs_es::test::{AggregateResultValidator, TestFramework};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::actor::{Actor, Authority, DecisionContext};
use crate::aggregate::AggregateCommand;
use crate::given::{ADMIN, OWNER, STUDENT, by, registered};
use crate::ids::PersonId;
use crate::person::{Person, PersonEvent, Role};
use crate::personal::Personal;
use crate::text::Name;

type Outcome = AggregateResultValidator<Account>;

fn person(more: &[PersonEvent]) -> Arc<Person> {
    let mut person = Person::default();
    for event in [registered("Søren")].iter().chain(more) {
        cqrs_es::Aggregate::apply(&mut person, event.clone());
    }
    Arc::new(person)
}

fn when(given: Vec<AccountEvent>, command: AccountCommand, by: DecisionContext, person: Arc<Person>) -> Outcome {
    TestFramework::with(()).given(given).when(AggregateCommand { command, context: by, facts: AccountFacts { person } })
}

fn own(given: Vec<AccountEvent>, command: AccountCommand) -> Outcome {
    when(given, command, by(STUDENT, Authority::Oneself), person(&[]))
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn invite(by: DecisionContext, person: Arc<Person>) -> Outcome {
    let command = IssueInvitation { person_id: STUDENT, purpose: InvitationPurpose::Invitation };
    when(vec![], AccountCommand::IssueInvitation(command), by, person)
}

fn invited(by: Option<PersonId>) -> Vec<AccountEvent> {
    vec![AccountEvent::InvitationIssued { purpose: InvitationPurpose::Invitation, by }]
}

/// A key that is good for so many days.
fn key(number: u128, days: i64) -> CreateApiKey {
    CreateApiKey {
        person_id: STUDENT,
        key_id: id(number),
        name: Personal::new(Name::try_new("Tabelle").unwrap()),
        scope: KeyScope::READ,
        expires_at: by(STUDENT, Authority::Oneself).at + TimeDelta::days(days),
    }
}

fn created(number: u128, days: i64) -> AccountEvent {
    let CreateApiKey { person_id: _, key_id, name, scope, expires_at } = key(number, days);
    AccountEvent::ApiKeyCreated { key_id, name: name.reveal().into(), scope, expires_at, epoch: 0 }
}

fn create(given: Vec<AccountEvent>, key: CreateApiKey) -> Outcome {
    own(given, AccountCommand::CreateApiKey(key))
}

#[test]
fn an_admin_invites_anybody_but_an_owner() {
    let owner = person(&[PersonEvent::RoleGranted { role: Role::Owner, bootstrapped: false }]);
    invite(by(ADMIN, Authority::Admin), person(&[])).then_expect_events(invited(Some(ADMIN)));
    invite(by(ADMIN, Authority::Admin), owner.clone()).then_expect_error(AccountRule::OwnersInvitation);
    invite(by(OWNER, Authority::Owner), owner.clone()).then_expect_events(invited(Some(OWNER)));
    let system = DecisionContext { actor: Actor::System, ..by(OWNER, Authority::System) };
    invite(system, owner).then_expect_events(invited(None));
}

#[test]
fn a_bootstrapped_owner_is_invited_and_signed_out_by_nobody_else_in_the_site() {
    let first = || person(&[PersonEvent::RoleGranted { role: Role::Owner, bootstrapped: true }]);
    let system = DecisionContext { actor: Actor::System, ..by(OWNER, Authority::System) };
    invite(by(OWNER, Authority::Owner), first()).then_expect_error(AccountRule::OwnerIsBootstrapped);
    invite(by(STUDENT, Authority::Owner), first()).then_expect_events(invited(Some(STUDENT)));
    invite(by(OWNER, Authority::SuperAdmin), first()).then_expect_events(invited(Some(OWNER)));
    invite(system, first()).then_expect_events(invited(None));

    let (session_id, issuer) = (id(7), "https://id.example".to_owned());
    let ends: [AccountCommand; 3] = [
        AccountCommand::SignOut(SignOut { person_id: STUDENT, session_id }),
        AccountCommand::RevokeApiKey(RevokeApiKey { person_id: STUDENT, key_id: id(1) }),
        AccountCommand::UnlinkIdentity(UnlinkIdentity { person_id: STUDENT, issuer: issuer.clone() }),
    ];
    let ended = [
        AccountEvent::SignedOut { session_id },
        AccountEvent::ApiKeyRevoked { key_id: id(1) },
        AccountEvent::IdentityUnlinked { issuer },
    ];
    for (command, ended) in ends.into_iter().zip(ended) {
        let asks = |who| when(vec![created(1, 30)], command.clone(), who, first());
        asks(by(OWNER, Authority::Owner)).then_expect_error(AccountRule::OwnerIsBootstrapped);
        for who in [by(STUDENT, Authority::Oneself), by(OWNER, Authority::SuperAdmin)] {
            asks(who).then_expect_events(vec![ended.clone()]);
        }
    }
}

#[test]
fn refuses_to_invite_whoever_is_deactivated() {
    let former = person(&[PersonEvent::PersonDeactivated { reason: "has left".into() }]);
    invite(by(OWNER, Authority::Owner), former).then_expect_error(AccountRule::AccountInactive);
}

#[test]
fn records_who_was_let_in_and_out() {
    let (method, session_id) = (SignInMethod::Password, id(1));
    for (second_factor, new_device) in [(ShownFactor::RecoveryCode, false), (ShownFactor::Nothing, true)] {
        let sign_in = SignIn { person_id: STUDENT, method, session_id, second_factor, new_device };
        let signed_in = AccountEvent::SignedIn { method, session_id, second_factor, new_device };
        own(vec![], AccountCommand::SignIn(sign_in)).then_expect_events(vec![signed_in]);
    }
    let sign_out = AccountCommand::SignOut(SignOut { person_id: STUDENT, session_id });
    own(vec![], sign_out).then_expect_events(vec![AccountEvent::SignedOut { session_id }]);
    let everywhere = AccountCommand::SignOutEverywhere(SignOutEverywhere { person_id: STUDENT });
    own(vec![], everywhere).then_expect_events(vec![AccountEvent::SignedOutEverywhere {}]);
    let reason = SignInFailure::WrongPassword;
    let failed = AccountCommand::RecordFailedSignIn(RecordFailedSignIn { person_id: STUDENT, reason });
    let system = DecisionContext { actor: Actor::System, ..by(OWNER, Authority::System) };
    when(vec![], failed, system, person(&[])).then_expect_events(vec![AccountEvent::SignInFailed { reason }]);
    let often = AccountCommand::RecordFailedSignIns(RecordFailedSignIns { person_id: STUDENT });
    when(vec![], often, system, person(&[])).then_expect_events(vec![AccountEvent::SignInsFailed {}]);
    let how = PasswordChange::Change;
    let set = AccountCommand::SetPassword(SetPassword { person_id: STUDENT, how, first: false });
    own(vec![], set).then_expect_events(vec![AccountEvent::PasswordSet { how }]);
}

#[test]
fn a_link_that_somebody_else_has_seen_sets_the_first_password_and_no_other() {
    let (how, session_id, issuer) = (PasswordChange::Invitation, id(1), "https://id.example.org".to_owned());
    let set = |first| AccountCommand::SetPassword(SetPassword { person_id: STUDENT, how, first });
    let never = [vec![], invited(Some(ADMIN)), vec![AccountEvent::SignInFailed { reason: SignInFailure::NoPassword }]];
    for given in never {
        own(given, set(true)).then_expect_events(vec![AccountEvent::PasswordSet { how }]);
    }
    let (method, second_factor) = (SignInMethod::Discord, ShownFactor::Nothing);
    for came_in in [
        vec![AccountEvent::PasswordSet { how }],
        vec![AccountEvent::SignedIn { method, session_id, second_factor, new_device: true }],
        vec![
            AccountEvent::IdentityLinked { issuer: issuer.clone() },
            AccountEvent::IdentityUnlinked { issuer },
            AccountEvent::SignedOutEverywhere {},
        ],
    ] {
        own(came_in.clone(), set(true)).then_expect_error(AccountRule::InvitationGone);
        own(came_in, set(false)).then_expect_events(vec![AccountEvent::PasswordSet { how }]);
    }
}

#[test]
fn makes_a_key_once() {
    create(vec![], key(1, 30)).then_expect_events(vec![created(1, 30)]);
    create(vec![created(1, 30)], key(1, 30)).then_expect_events(vec![]);
}

#[test]
fn refuses_a_key_that_has_run_out_or_is_good_for_more_than_a_year() {
    create(vec![], key(1, 0)).then_expect_error(AccountRule::ApiKeyExpired);
    create(vec![], key(1, 366)).then_expect_events(vec![created(1, 366)]);
    create(vec![], key(1, 367)).then_expect_error(AccountRule::ApiKeyTooLong { days: 366 });
}

#[test]
fn refuses_one_key_more_than_anybody_looks_after() {
    let many: Vec<_> = (1..=20).map(|number| created(number, 30)).collect();
    create(many.clone(), key(21, 30)).then_expect_error(AccountRule::TooManyApiKeys { most: 20 });
    let one_less = [many.clone(), vec![AccountEvent::ApiKeyRevoked { key_id: id(7) }]].concat();
    create(one_less, key(21, 30)).then_expect_events(vec![created(21, 30)]);
    // One that has run out does not count.
    let one_is_old = [&[created(1, -1)], &many[1..]].concat();
    create(one_is_old, key(21, 30)).then_expect_events(vec![created(21, 30)]);
}

#[test]
fn ends_a_key_once() {
    let revoke = || AccountCommand::RevokeApiKey(RevokeApiKey { person_id: STUDENT, key_id: id(1) });
    let revoked = AccountEvent::ApiKeyRevoked { key_id: id(1) };
    own(vec![created(1, 30)], revoke()).then_expect_events(vec![revoked.clone()]);
    own(vec![created(1, 30), revoked], revoke()).then_expect_events(vec![]);
    own(vec![], revoke()).then_expect_events(vec![]);
}

#[test]
fn links_another_system_as_often_as_the_edge_has_none() {
    let issuer = "https://id.example.org".to_owned();
    let link = || AccountCommand::LinkIdentity(LinkIdentity { person_id: STUDENT, issuer: issuer.clone() });
    let linked = AccountEvent::IdentityLinked { issuer: issuer.clone() };
    own(vec![], link()).then_expect_events(vec![linked.clone()]);
    // A link may have ended with the epoch that it was made in: whether there is one, its table says.
    own(vec![linked.clone()], link()).then_expect_events(vec![linked]);
}

#[test]
fn a_scope_is_reading_or_commands_that_there_are() {
    let read = serde_json::from_value::<KeyScope>(json!("read")).unwrap();
    assert!(read.reads() && !read.allows("AdvanceStudent"));
    let commands = serde_json::from_value::<KeyScope>(json!(["AdvanceStudent"])).unwrap();
    assert!(!commands.reads() && commands.allows("AdvanceStudent") && !commands.allows("HoldStudent"));
    assert!(serde_json::from_value::<KeyScope>(json!("write")).is_err());
    assert_eq!(CommandName::try_new("AdvanceStudents"), Err(NoSuchCommand("AdvanceStudents".into())));
    // What the installation alone may do is nothing that a key could be for.
    assert!(CommandName::try_new("SetPassword").is_err() && CommandName::try_new("BootstrapOwner").is_err());
}
