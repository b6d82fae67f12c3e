//! The rules of site, tested: given events, when a command, then events or a rule.

use cqrs_es::test::{AggregateResultValidator, TestFramework};
use serde_json::{Value, json};

use super::{
    ActivateSite, GiveSiteDatabase, HostAdmits, HostError, HostName, Site, SiteEvent, SiteFacts, SiteHost, SiteRule,
    Slug,
};
use crate::actor::Authority;
use crate::aggregate::AggregateCommand;
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::command::Command;
use crate::given::{self, OWNER, SITE, by};
use crate::ids::SiteId;

const OTHER: SiteId = SiteId(uuid::Uuid::from_u128(0x11));

fn when(given: Vec<SiteEvent>, name: &str, body: Value) -> AggregateResultValidator<Site> {
    when_claimed(given, name, body, SiteFacts::default())
}

fn when_claimed(
    given: Vec<SiteEvent>,
    name: &str,
    mut body: Value,
    facts: SiteFacts,
) -> AggregateResultValidator<Site> {
    body.as_object_mut().expect("an object").entry("site_id").or_insert(json!(SITE));
    let mut command = given::command(name, body);
    command.fill_ids(|| OWNER.0);
    let Command::Site(command) = command else { panic!("{name} is about a site") };
    TestFramework::with(()).given(given).when(AggregateCommand {
        command,
        context: by(OWNER, Authority::SuperAdmin),
        facts,
    })
}

/// What no client sends, about a site that was opened before.
fn when_system(given: &[&SiteEvent], command: Command) -> AggregateResultValidator<Site> {
    let Command::Site(command) = command else { panic!("it is about a site") };
    let given = std::iter::once(opened()).chain(given.iter().copied().cloned()).collect();
    let asked = AggregateCommand { command, context: by(OWNER, Authority::System), facts: SiteFacts::default() };
    TestFramework::with(()).given(given).when(asked)
}

fn opened() -> SiteEvent {
    SiteEvent::SiteOpened {
        slug: "north".to_owned(),
        name: "Nordschule".to_owned(),
        owner_email: "asa@example.org".into(),
        owner_name: Some("Åsa".into()),
        owner_id: Some(OWNER),
    }
}

fn hosts(hosts: &[(&str, HostAdmits)]) -> SiteEvent {
    let hosts = hosts.iter().map(|(host, admits)| SiteHost { host: (*host).to_owned(), admits: *admits });
    SiteEvent::SiteHostsSet { hosts: hosts.collect() }
}

fn open() -> Value {
    json!({ "slug": "north", "name": "Nordschule", "owner_email": "asa@example.org", "owner_name": "Åsa" })
}

#[test]
fn opens_a_site_with_its_owner() {
    when(vec![], "OpenSite", open()).then_expect_events(vec![opened()]);
}

#[test]
fn refuses_a_slug_that_another_site_has_and_that_of_the_default_site() {
    let facts = SiteFacts { slug_owner: Some(OTHER), ..SiteFacts::default() };
    let taken = |slug: &str| SiteRule::SlugTaken { slug: slug.to_owned() };
    when_claimed(vec![], "OpenSite", open(), facts).then_expect_error(taken("north"));
    let mut body = open();
    body["slug"] = json!("default");
    when(vec![], "OpenSite", body).then_expect_error(taken("default"));
}

#[test]
fn a_host_is_in_lower_case_and_as_the_dns_has_it() {
    let body = json!({ "hosts": [
        { "host": "Lernen.Bücher.EXAMPLE.", "admits": "students" }, { "host": "[0:0::1]" }, { "host": "10.0.0.1" },
    ] });
    when(vec![opened()], "SetSiteHosts", body).then_expect_events(vec![hosts(&[
        ("lernen.xn--bcher-kva.example", HostAdmits::Students),
        ("[::1]", HostAdmits::Everyone),
        ("10.0.0.1", HostAdmits::Everyone),
    ])]);
}

#[test]
fn what_is_no_host_is_refused_for_what_it_is() {
    for (text, error) in [
        ("*.example.org", HostError::Wildcard),
        ("example.org:8080", HostError::Port),
        ("https://example.org", HostError::NotAHost),
        ("example.org/login", HostError::NotAHost),
        ("user@example.org", HostError::NotAHost),
        ("exa mple.org", HostError::NotAHost),
        ("under_score.example.org", HostError::NotAHost),
        ("-a.example.org", HostError::NotAHost),
        ("a..example.org", HostError::NotAHost),
        ("%65xample.org", HostError::NotAHost),
        ("::1", HostError::NotAHost),
        ("[::1", HostError::NotAHost),
        ("999.1.1.1", HostError::NotAHost),
        ("", HostError::NotAHost),
        (".", HostError::NotAHost),
    ] {
        assert_eq!(HostName::try_new(text), Err(error), "{text}");
    }
    let long = format!("{}.org", ["a".repeat(60).as_str(); 5].join("."));
    assert_eq!(HostName::try_new(&long), Err(HostError::TooLong));
}

#[test]
fn this_machine_is_told_from_others() {
    for here in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.0.1", "[::1]"] {
        assert!(HostName::try_new(here).unwrap().is_loopback(), "{here}");
    }
    for elsewhere in ["localhost.example.org", "10.0.0.1", "[::2]", "0.0.0.0"] {
        assert!(!HostName::try_new(elsewhere).unwrap().is_loopback(), "{elsewhere}");
    }
}

#[test]
fn a_slug_is_short_and_plain() {
    for good in ["a", "9", "te-kura", &"x".repeat(63)] {
        assert!(Slug::try_new(good).is_ok(), "{good}");
    }
    for bad in ["", "-a", "a-", "A", "te kura", "ä", "a_b", &"x".repeat(64)] {
        assert!(Slug::try_new(bad).is_err(), "{bad}");
    }
}

#[test]
fn refuses_a_host_that_another_site_has() {
    let body = json!({ "hosts": [{ "host": "a.example.org" }, { "host": "b.example.org" }] });
    let facts = |owner| SiteFacts { host_owners: [("b.example.org".to_owned(), owner)].into(), ..SiteFacts::default() };
    let taken = SiteRule::HostTaken { host: "b.example.org".to_owned() };
    when_claimed(vec![opened()], "SetSiteHosts", body.clone(), facts(OTHER)).then_expect_error(taken);
    let both = [("a.example.org", HostAdmits::Everyone), ("b.example.org", HostAdmits::Everyone)];
    when_claimed(vec![opened()], "SetSiteHosts", body, facts(SITE)).then_expect_events(vec![hosts(&both)]);
}

#[test]
fn the_same_hosts_again_are_no_event_and_another_admittance_is_one() {
    let before = vec![opened(), hosts(&[("a.example.org", HostAdmits::Everyone)])];
    let body = |admits: &str| json!({ "hosts": [{ "host": "a.example.org", "admits": admits }] });
    when(before.clone(), "SetSiteHosts", body("everyone")).then_expect_events(vec![]);
    let staff = hosts(&[("a.example.org", HostAdmits::Staff)]);
    when(before, "SetSiteHosts", body("staff")).then_expect_events(vec![staff]);
}

#[test]
fn hosts_are_claimed_and_given_back_one_by_one() {
    let mut site = Site::default();
    site.apply_event(&hosts(&[("a.example.org", HostAdmits::Everyone), ("b.example.org", HostAdmits::Everyone)]));
    let mut changes = ClaimChanges::default();
    let after = hosts(&[("b.example.org", HostAdmits::Staff), ("c.example.org", HostAdmits::Everyone)]);
    site.claims(SITE, &after, &mut changes);
    assert_eq!(changes.takes, [(ClaimKey::site_host("c.example.org"), SITE.0)]);
    assert_eq!(changes.releases, [ClaimKey::site_host("a.example.org")]);
}

#[test]
fn renames_closes_and_reopens_once() {
    let renamed = || SiteEvent::SiteRenamed { name: "Schule im Norden".to_owned() };
    let closed = || SiteEvent::SiteClosed { reason: "has moved".into() };
    when(vec![opened()], "RenameSite", json!({ "name": "Schule im Norden" })).then_expect_events(vec![renamed()]);
    when(vec![opened(), renamed()], "RenameSite", json!({ "name": "Schule im Norden" })).then_expect_events(vec![]);
    let close = json!({ "reason": "has moved" });
    when(vec![opened()], "CloseSite", close.clone()).then_expect_events(vec![closed()]);
    when(vec![opened(), closed()], "CloseSite", close).then_expect_events(vec![]);
    when(vec![opened()], "ReopenSite", json!({})).then_expect_events(vec![]);
    when(vec![opened(), closed()], "ReopenSite", json!({})).then_expect_events(vec![SiteEvent::SiteReopened {}]);
}

#[test]
fn a_site_that_wants_a_database_of_its_own_says_so_after_it_is_opened() {
    let mut body = open();
    body["own_database"] = json!(true);
    when(vec![], "OpenSite", body).then_expect_events(vec![opened(), SiteEvent::SiteDatabaseWanted {}]);
}

#[test]
fn a_database_is_given_until_it_is_set_up_and_no_longer() {
    let (wanted, given, active) =
        (SiteEvent::SiteDatabaseWanted {}, SiteEvent::SiteDatabaseGiven {}, SiteEvent::SiteActivated {});
    let give = |events: &[&SiteEvent]| when_system(events, GiveSiteDatabase { site_id: SITE }.into());
    let activate = |events: &[&SiteEvent]| when_system(events, ActivateSite { site_id: SITE }.into());
    give(&[]).then_expect_error(SiteRule::SiteDatabaseNotWanted);
    give(&[&wanted]).then_expect_events(vec![given.clone()]);
    give(&[&wanted, &given]).then_expect_events(vec![given.clone()]);
    give(&[&wanted, &given, &active]).then_expect_error(SiteRule::SiteDatabaseGivenAlready);
    activate(&[]).then_expect_error(SiteRule::SiteDatabaseNotWanted);
    activate(&[&wanted]).then_expect_error(SiteRule::SiteDatabaseMissing);
    activate(&[&wanted, &given]).then_expect_events(vec![active.clone()]);
    activate(&[&wanted, &given, &active]).then_expect_events(vec![]);
}

#[test]
fn refuses_to_close_the_default_site() {
    let body = json!({ "site_id": SiteId::DEFAULT, "reason": "enough" });
    when(vec![], "CloseSite", body).then_expect_error(SiteRule::DefaultSiteStays);
}
