//! The rules of module, tested: given events, when a command, then events or a rule.

use cqrs_es::test::{AggregateResultValidator, TestFramework};
use serde_json::{Value, json};

use super::{Module, ModuleEvent, ModuleFacts, ModuleRule};
use crate::actor::Authority;
use crate::aggregate::AggregateCommand;
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::command::Command;
use crate::given::{self, ADMIN, MODULE, by};
use crate::ids::ModuleId;

fn when(given: Vec<ModuleEvent>, name: &str, body: Value) -> AggregateResultValidator<Module> {
    when_claimed(given, name, body, None)
}

fn when_claimed(
    given: Vec<ModuleEvent>,
    name: &str,
    mut body: Value,
    code_owner: Option<ModuleId>,
) -> AggregateResultValidator<Module> {
    body["module_id"] = json!(MODULE);
    let Command::Module(command) = given::command(name, body) else { panic!("{name} is about a module") };
    let facts = ModuleFacts { code_owner };
    TestFramework::with(()).given(given).when(AggregateCommand { command, context: by(ADMIN, Authority::Admin), facts })
}

fn defined() -> ModuleEvent {
    ModuleEvent::ModuleDefined { code: "Ü-1".to_owned(), title: "Übung".to_owned(), weeks: 8 }
}

#[test]
fn defines_a_module_of_eight_weeks_unless_told_otherwise() {
    let body = json!({ "code": "Ü-1", "title": "Übung" });
    when(vec![], "DefineModule", body).then_expect_events(vec![defined()]);
    let body = json!({ "code": "Ü-1", "title": "Übung", "weeks": 52 });
    let (code, title) = ("Ü-1".to_owned(), "Übung".to_owned());
    when(vec![], "DefineModule", body).then_expect_events(vec![ModuleEvent::ModuleDefined { code, title, weeks: 52 }]);
}

#[test]
fn takes_one_to_fifty_two_weeks_and_no_other_number() {
    for weeks in [0, 53, -1, 256 + 8] {
        let body = json!({ "code": "Ü-1", "title": "Übung", "weeks": weeks });
        assert!(Command::decode("DefineModule", body).unwrap().is_err(), "{weeks}");
    }
}

#[test]
fn refuses_a_code_that_another_module_has() {
    let body = json!({ "code": "Ü-1", "title": "Übung" });
    when_claimed(vec![], "DefineModule", body, Some(MODULE))
        .then_expect_error(ModuleRule::CodeTaken { code: "Ü-1".to_owned() });
}

#[test]
fn renames_once() {
    let renamed = ModuleEvent::ModuleRenamed { title: "Etüde".to_owned() };
    when(vec![defined()], "RenameModule", json!({ "title": "Etüde" })).then_expect_events(vec![renamed]);
    when(vec![defined()], "RenameModule", json!({ "title": "Übung" })).then_expect_events(vec![]);
}

#[test]
fn refuses_to_rename_what_is_retired() {
    when(vec![defined(), ModuleEvent::ModuleRetired {}], "RenameModule", json!({ "title": "Etüde" }))
        .then_expect_error(ModuleRule::ModuleRetired);
}

#[test]
fn retires_once() {
    let retired = ModuleEvent::ModuleRetired {};
    when(vec![defined()], "RetireModule", json!({})).then_expect_events(vec![retired.clone()]);
    when(vec![defined(), retired], "RetireModule", json!({})).then_expect_events(vec![]);
}

#[test]
fn a_code_is_claimed_in_any_case_for_ever() {
    let mut changes = ClaimChanges::default();
    for event in [defined(), ModuleEvent::ModuleRetired {}] {
        Module::default().claims(MODULE, &event, &mut changes);
    }
    assert_eq!(changes, ClaimChanges { takes: vec![(ClaimKey::module_code("ü-1"), MODULE.0)], releases: vec![] });
}
