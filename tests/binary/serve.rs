//! `rollbook serve` in an empty directory, and the subcommands beside it and after it.

use nix::sys::signal::Signal;
use sqlx::{Connection, PgConnection};

use super::program::Home;
use crate::harness::{Database, answer, client};

const OWNER: &str = "owner@example.org";

/// Every subcommand that looks at a database, which holds the owner and nothing else, and what it prints of it.
fn every_subcommand_works(home: &Home) {
    let events = home.out(&["events"]);
    assert!(events.contains("PersonRegistered") && events.contains(OWNER), "{events}");
    let audit = home.out(&["audit"]);
    assert!(audit.contains("owner") || audit.contains("nothing was decided"), "{audit}");
    let list = home.out(&["projections", "list"]);
    assert!(list.contains("audit_trail") && list.contains("live"), "{list}");
    let rebuilt = home.out(&["projections", "rebuild", "people"]);
    assert!(rebuilt.starts_with("rebuilt people from "), "{rebuilt}");
    let rebuilt = home.out(&["projections", "rebuild", "--all"]);
    assert!(rebuilt.starts_with("rebuilt all read models from "), "{rebuilt}");
    let verified = home.out(&["projections", "verify", "--all"]);
    assert_eq!(verified.matches("equal").count(), 15, "{verified}");
    assert_eq!(home.out(&["projections", "parked"]).trim(), "nothing is parked");
    let retried = home.out(&["projections", "retry", "--all"]);
    assert!(retried.contains("still parked") && retried.contains("absence_flags"), "{retried}");
    let migrated = home.out(&["migrate"]);
    assert!(migrated.contains(": up to date: all "), "{migrated}");
    assert!(!migrated.contains("://"), "no password on the way: {migrated}");
    let url = home.out(&["database-url"]);
    assert!(url.starts_with("postgres://rollbook:") && url.lines().count() == 1, "the URL and nothing else: {url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subcommands_join_a_running_service_and_do_without_it() {
    let home = Home::new();
    let mut service = home.serve(OWNER);
    let url = service.listens();
    assert_eq!(service.printed().lines().count(), 1, "nothing but the address is printed: {}", service.printed());
    let server = home.postgres().expect("a server");

    let token = home.out(&["token", "--email", OWNER, "--ttl", "30m"]);
    let token = token.trim();
    let client = client();
    let me = || answer(client.get(format!("{url}/v1/me")).bearer_auth(token));
    let found = me().await;
    assert_eq!((found.status, &found.json["email"]), (200, &OWNER.into()), "{}", found.text);
    every_subcommand_works(&home);
    assert_eq!(home.postgres(), Some(server), "they joined the one that ran");

    let mut psql = PgConnection::connect(home.out(&["database-url"]).trim()).await.expect("the URL works");
    let events: i64 = sqlx::query_scalar("select count(*) from events").fetch_one(&mut psql).await.expect("events");
    assert_eq!(usize::try_from(events), Ok(home.out(&["events"]).lines().count()));
    psql.close().await.expect("an end");

    let revoked = home.out(&["token", "--email", OWNER, "--revoke"]);
    assert_eq!(revoked.trim(), format!("revoked 1 token of {OWNER}"));
    assert_eq!(me().await.status, 401, "at the next request");

    service.end(Signal::SIGTERM).done();
    home.is_left_by_everybody();

    every_subcommand_works(&home);
    home.is_left_by_everybody();
    let token = home.out(&["token", "--email", OWNER]);
    let before = home.out(&["events"]);
    let mut service = home.serve(OWNER);
    let url = service.listens();
    let me = answer(client.get(format!("{url}/v1/me")).bearer_auth(token.trim())).await;
    assert_eq!(me.status, 200, "a token made while nobody served: {}", me.text);
    service.end(Signal::SIGINT).done();
    assert_eq!(home.out(&["events"]), before, "who is owner already is not made owner again");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_over_the_service_has_an_address_of_their_own() {
    let (home, database) = (Home::new(), Database::empty().await);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
    let mut service = home.start(command.env("DATABASE_URL", &database.url));
    let watched = service.line("metrics on ").trim().trim_start_matches("metrics on ").to_owned();
    let url = service.listens();
    assert_ne!(watched, url);
    let passed_on = |url: &str| client().get(format!("{url}/metrics")).header("x-forwarded-for", "192.0.2.1");
    for (request, status) in [
        (client().get(format!("{watched}/metrics")), 200),
        (passed_on(&watched), 200),
        (client().get(format!("{watched}/readyz")), 200),
        (client().get(format!("{watched}/healthz")), 200),
        (client().get(format!("{watched}/v1/me")), 404),
        (client().get(format!("{watched}/docs")), 404),
        (client().get(format!("{url}/metrics")), 200),
        (passed_on(&url), 404),
    ] {
        let asked = format!("{request:?}");
        let answer = answer(request).await;
        assert_eq!(answer.status, status, "{asked}: {}", answer.text);
    }
    service.end(Signal::SIGTERM).done();
}
