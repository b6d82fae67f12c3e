//! Which facts commands about sites are decided on, and where their events go.

use serde_json::{Value, json};

use crate::actor::Actor;
use crate::claim::ClaimKey;
use crate::given::{self, NOBODY, SITE, append};
use crate::ids::{SiteId, SiteSettingsId, StreamId};
use crate::plan::Plan;
use crate::refusal::{InvalidField, Refusal};
use crate::site::{SiteEvent, SiteRule};
use crate::world::World;

fn planned(world: &World, name: &str, body: Value) -> Result<Plan, Refusal> {
    given::planned(&given::command(name, body), Actor::SuperAdmin(NOBODY), "2026-01-01T00:00:00Z", world)
}

fn world() -> World {
    let mut world = World::default();
    let opened = SiteEvent::SiteOpened {
        slug: "north".to_owned(),
        name: "Nordschule".to_owned(),
        owner_email: "asa@example.org".into(),
        owner_name: None,
        owner_id: None,
    };
    append(&mut world, SITE, [opened]);
    world
}

#[test]
fn the_default_site_is_there_without_an_event() {
    let set = json!({ "site_id": SiteId::DEFAULT, "hosts": [{ "host": "school.example.org" }] });
    let writes = planned(&world(), "SetSiteHosts", set).unwrap().writes;
    assert_eq!(writes[0].stream, StreamId::from(SiteId::DEFAULT));
    let open = json!({ "site_id": SiteId::DEFAULT, "slug": "x", "name": "X", "owner_email": "asa@example.org" });
    assert_eq!(planned(&world(), "OpenSite", open).unwrap_err(), Refusal::AlreadyExists(SiteId::DEFAULT.into()));
}

#[test]
fn a_site_that_is_not_there_is_not_found() {
    let unknown = SiteId(uuid::Uuid::from_u128(0x99));
    let refused = planned(&world(), "RenameSite", json!({ "site_id": unknown, "name": "X" })).unwrap_err();
    assert_eq!(refused, Refusal::NotFound(unknown.into()));
}

#[test]
fn a_host_of_another_site_is_taken_and_the_sites_own_is_not() {
    let set = json!({ "site_id": SITE, "hosts": [{ "host": "A.example.org" }] });
    let mut claimed = world();
    claimed.put_owner(ClaimKey::site_host("a.example.org"), Some(SiteId::DEFAULT.0));
    let taken = SiteRule::HostTaken { host: "a.example.org".to_owned() };
    assert_eq!(planned(&claimed, "SetSiteHosts", set.clone()).unwrap_err(), taken.into());
    claimed.put_owner(ClaimKey::site_host("a.example.org"), Some(SITE.0));
    assert!(planned(&claimed, "SetSiteHosts", set).is_ok());
}

#[test]
fn hosts_are_given_once_and_not_too_many() {
    let set = |hosts: Vec<Value>| planned(&world(), "SetSiteHosts", json!({ "site_id": SITE, "hosts": hosts }));
    let host = |host: &str| json!({ "host": host });
    let invalid = |pointer: &str, detail: &str| {
        Refusal::Invalid(vec![InvalidField { pointer: pointer.to_owned(), detail: detail.to_owned() }])
    };
    let twice = set(vec![host("a.example.org"), host("A.example.org.")]).unwrap_err();
    assert_eq!(twice, invalid("/hosts/1/host", "is there twice"));
    let many = (0..=50).map(|nth| host(&format!("h{nth}.example.org"))).collect();
    assert_eq!(set(many).unwrap_err(), invalid("/hosts", "must be at most 50 hosts"));
}

#[test]
fn settings_are_of_the_site_that_the_command_is_sent_to() {
    let mut command =
        given::command("SetSiteSetting", json!({ "setting": { "name": "password_sign_in", "value": false } }));
    command.fill_site(SITE);
    let plan = given::planned(&command, Actor::SuperAdmin(NOBODY), "2026-01-01T00:00:00Z", &World::default()).unwrap();
    assert_eq!(plan.writes[0].stream, StreamId::from(SiteSettingsId::from(SITE)));
}
