//! The rules of a site's settings, tested: given events, when a command, then events or a refusal to read it.

use cqrs_es::test::TestFramework;
use serde_json::{Value, json};

use super::{SecondFactorPolicy, SettingValue, SiteSettings, SiteSettingsEvent};
use crate::actor::Authority;
use crate::aggregate::AggregateCommand;
use crate::command::Command;
use crate::given::{self, ADMIN, by};

fn set(setting: SettingValue) -> SiteSettingsEvent {
    SiteSettingsEvent::SiteSettingSet { setting }
}

fn then(given: Vec<SiteSettingsEvent>, setting: &Value, expected: Vec<SiteSettingsEvent>) {
    let command = given::command("SetSiteSetting", json!({ "setting": setting }));
    let Command::SiteSettings(command) = command else { panic!("it is about settings") };
    let asked = AggregateCommand { command, context: by(ADMIN, Authority::Admin), facts: () };
    TestFramework::<SiteSettings>::with(()).given(given).when(asked).then_expect_events(expected);
}

#[test]
fn a_setting_is_set_once() {
    let zone = "Pacific/Auckland".to_owned().try_into().unwrap();
    for (setting, value) in [
        (
            json!({ "name": "display_name", "value": " Te Kura " }),
            SettingValue::DisplayName { value: "Te Kura".into() },
        ),
        (json!({ "name": "timezone", "value": "Pacific/Auckland" }), SettingValue::Timezone { value: zone }),
        (json!({ "name": "session_hours", "value": 12 }), SettingValue::SessionHours { value: 12 }),
        (json!({ "name": "invitation_hours", "value": 72 }), SettingValue::InvitationHours { value: 72 }),
        (json!({ "name": "password_sign_in", "value": false }), SettingValue::PasswordSignIn { value: false }),
        (
            json!({ "name": "second_factor", "value": "owners_and_admins" }),
            SettingValue::SecondFactor { value: SecondFactorPolicy::OwnersAndAdmins },
        ),
    ] {
        then(vec![], &setting, vec![set(value.clone())]);
        then(vec![set(value)], &setting, vec![]);
    }
}

#[test]
fn a_setting_changes_no_other_one() {
    let before = vec![set(SettingValue::SessionHours { value: 12 }), set(SettingValue::InvitationHours { value: 12 })];
    let after = vec![set(SettingValue::SessionHours { value: 24 })];
    then(before, &json!({ "name": "session_hours", "value": 24 }), after);
}

#[test]
fn what_is_no_setting_is_not_read() {
    for wrong in [
        json!({ "name": "colour", "value": "blue" }),
        json!({ "name": "session_hours", "value": 0 }),
        json!({ "name": "session_hours", "value": 8761 }),
        json!({ "name": "session_hours", "value": "twelve" }),
        json!({ "name": "session_hours" }),
        json!({ "name": "session_hours", "value": 1, "unit": "days" }),
        json!({ "name": "timezone", "value": "Sydney" }),
        json!({ "name": "display_name", "value": "" }),
        json!({ "value": 12 }),
    ] {
        let body = json!({ "setting": wrong });
        assert!(Command::decode("SetSiteSetting", body.clone()).unwrap().is_err(), "{body}");
    }
}
