//! How a site gets its database, and what is not taken for one.

use std::io::Write;
use std::net::TcpListener;
use std::pin::pin;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use reqwest::Method;
use rollbook_domain::site::GiveSiteDatabase;
use rollbook_domain::{Actor, SiteId};
use rollbook_store::migrate::migrate;
use rollbook_store::site_databases::{Patience, Reach};
use rollbook_store::{Request, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::{A, B, NOW, Student, altered, behind, impatient, installation, is_problem, keys, on, rows_of, until, with};
use crate::harness::{Database, Hosting, Service, answer};

#[tokio::test]
async fn a_school_with_a_database_of_its_own_has_everything_there_and_nothing_elsewhere() {
    let service = installation().await;
    let own = Database::empty().await;
    let id = service.wanting("north").await;
    let item = service.get(&service.owner, &format!("/v1/sites/{id}")).await;
    assert_eq!((&item["database"], &item["database_state"]), (&json!("own"), &json!("wanted")));
    let host = service.at_host("north.example.org");
    for path in ["/v1/me", "/v1/cohorts", "/openapi.json", "/sign-in", "/nothing"] {
        let before = host.ask("", path).await;
        is_problem(&before, 503, "site_not_ready");
        assert!(before.headers.contains_key("retry-after"), "{path}");
    }

    let given = service.give(&id, &own.url).await;
    assert_eq!(given.status, 200, "{}", given.text);
    assert_eq!((&given.json["database"], &given.json["database_state"]), (&json!("own"), &json!("active")));
    assert_eq!(given.json["slug"], "north");
    let north = service.in_own("north", &id, &own).await;
    assert_eq!(north.get(&north.owner, "/v1/me").await["email"], "owner@north.example.org");
    let student = Student::in_site(&north).await;
    let roster = north.items(&north.owner, &format!("/v1/cohorts/{}/roster", student.cohort)).await;
    assert_eq!(roster[0]["name"], "Zoë Ōtākou");
    assert_eq!(rows_of(&service.database, &id).await, [], "nothing of it is in the installation's database");
    let there = rows_of(&own, &id).await;
    for table in ["claims", "commands", "database_of", "events", "people", "roster", "tokens", "uploads"] {
        assert!(there.iter().any(|(found, _)| found == table), "{table} of {there:?}");
    }
    assert_eq!(rows_of(&own, &SiteId::DEFAULT.to_string()).await, [], "and nothing of the installation in its own");
    let again = service.give(&id, &Database::empty().await.url).await;
    is_problem(&again, 409, "site_database_given_already");
    let taken = migrate(&own.pool).await;
    assert!(matches!(taken, Err(StoreError::WrongDatabase)), "no installation begins in it: {taken:?}");

    let events = service.items(&service.owner, "/v1/events").await;
    let told: Vec<_> = events.iter().filter(|event| event["stream"] == id.as_str()).collect();
    let types: Vec<_> = told.iter().map(|event| event["type"].as_str().expect("a type")).collect();
    let wanted = ["SiteOpened", "SiteDatabaseWanted", "SiteHostsSet", "SiteDatabaseGiven", "SiteActivated"];
    assert_eq!(types, wanted);
    assert_eq!(told[3]["actor"]["name"], "Ọlá Owner");
    let audit = service.items(&service.owner, "/v1/audit?action=site_database_given").await;
    assert_eq!((audit.len(), &audit[0]["authority"]), (1, &json!("super_admin")));
}

#[tokio::test]
async fn the_first_owner_comes_in_by_an_invitation_and_a_super_admin_as_a_guest() {
    let service = installation().await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    let me = north.get(&north.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
    // A guest: nothing of theirs is here, and the position is that of the site's own log.
    is_problem(&north.ask(&service.owner, "/v1/me").await, 403, "not_allowed");
    let path = format!("/v1/people/{me}/invitation");
    let invited = answer(north.request(Method::POST, &service.owner, &path).json(&json!({}))).await;
    assert_eq!(invited.status, 200, "{}", invited.text);
    let link = invited.json["link"].as_str().expect("a link");
    let (page, secret) = link.split_once('#').expect("a secret");
    assert!(page.contains("north.example.org"), "{page}");
    let accept = json!({"secret": secret, "password": "a long pass phrase"});
    let accepted = answer(north.request(Method::POST, "", "/v1/invitations/accept").json(&accept)).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text);
    let session = accepted.json["token"].as_str().expect("a token").to_owned();
    let key = json!({"name": "Table", "scope": "read", "expires_at": "2026-12-31T00:00:00Z",
        "password": "a long pass phrase"});
    let key = answer(north.request(Method::POST, &session, "/v1/me/api-keys").json(&key)).await;
    let key = key.json["key"].as_str().expect("a key").to_owned();
    for token in [&session, &key] {
        assert_eq!(north.ask(token, "/v1/people").await.status, 200);
        is_problem(&service.ask(token, "/v1/people").await, 401, "unauthenticated");
    }
    north.create(&service.owner, "FoundHub", json!({"name": "Northland"})).await;
    let founded = north.items(&service.owner, "/v1/audit?action=hub_founded").await;
    assert_eq!(founded[0]["authority"], "super_admin");
    for path in ["/v1/people", "/v1/events", "/v1/projections", "/v1/site"] {
        assert_eq!(north.ask(&service.owner, path).await.status, 200, "{path}");
    }

    let ordinary = json!({"name": "O", "email": "o@example.org"});
    let ordinary = service.create(&service.owner, "RegisterPerson", ordinary).await;
    service.command(&service.owner, "GrantRole", json!({"person_id": ordinary, "role": "owner"})).await;
    let south = service.site("south").await;
    for token in [&service.token(&ordinary).await, &south.owner] {
        is_problem(&north.ask(token, "/v1/people").await, 401, "unauthenticated");
    }
    is_problem(&south.ask(&north.owner, "/v1/people").await, 401, "unauthenticated");
}

#[tokio::test]
async fn what_cannot_be_a_sites_database_is_refused_for_what_it_is_and_not_repeated() {
    let service = installation().await;
    let id = service.wanting("north").await;
    let foreign = Database::empty().await;
    sqlx::query("create table notes (text text)").execute(&foreign.pool).await.expect("a table");
    let newer = Database::create().await;
    let later = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (999999, 'later', true, '', 0)";
    sqlx::query(later).execute(&newer.pool).await.expect("a migration");
    let before = Database::before_baseline().await;
    let other = Database::create().await;
    let read_only = Database::empty().await;
    let sql = format!("alter database {} set default_transaction_read_only = on", super::name(&read_only));
    sqlx::query(&sql).execute(&read_only.pool).await.expect("a setting");
    // From before a database said whose it is, with something in its log.
    let old = Database::create().await;
    service_on(&old).await;
    sqlx::query("delete from database_of").execute(&old.pool).await.expect("no mark");
    let url = &foreign.url;
    for (url, status, code) in [
        ("mysql://north:hidden@127.0.0.1/north".to_owned(), 422, "database_url_unreadable"),
        ("north:hidden".to_owned(), 422, "database_url_unreadable"),
        (altered(url, |url| url.set_path("")), 422, "database_url_unreadable"),
        (format!("{url}?passwort=hidden"), 422, "database_parameter_refused"),
        (format!("{url}?sslkey=/etc/hidden"), 422, "database_parameter_refused"),
        (altered(url, |url| url.set_password(None).expect("none")), 422, "database_password_missing"),
        (
            altered(url, |url| url.set_host(Some("hidden.example.org")).expect("a host")) + "?sslmode=require",
            422,
            "database_tls_required",
        ),
        (altered(url, |url| url.set_host(Some("%2Frun%2Fhidden")).expect("a host")), 422, "database_host_not_allowed"),
        (url.clone(), 409, "database_not_empty"),
        (newer.url.clone(), 409, "database_newer"),
        (before.url.clone(), 409, "database_before_baseline"),
        (service.database.url.clone(), 409, "database_in_use"),
        (other.url.clone(), 409, "database_in_use"),
        (old.url.clone(), 409, "database_in_use"),
        (read_only.url.clone(), 409, "database_not_writable"),
    ] {
        let refused = service.give(&id, &url).await;
        is_problem(&refused, status, code);
        let password = url.split(['@', ':']).nth(2).unwrap_or("hidden");
        for secret in ["hidden", "127.0.0.1", "postgres://rollbook", password] {
            assert!(!refused.text.contains(secret), "{code}: {}", refused.text);
        }
    }
    // Nothing of what was refused is kept, and nothing was made there.
    assert!(service.executor.store().site_databases().await.expect("a look").is_empty());
    is_problem(&service.at_host("north.example.org").ask("", "/v1/me").await, 503, "site_not_ready");
    let tables: i64 = sqlx::query_scalar("select count(*) from pg_class where relnamespace = 'public'::regnamespace")
        .fetch_one(&foreign.pool)
        .await
        .expect("a count");
    assert_eq!(tables, 1);
    assert_eq!(service.give(&id, &Database::empty().await.url).await.status, 200, "the right one, at last");
}

/// Whoever sets a database up holds this advisory lock of it.
const LOCK: i64 = 5_570_193_308_531_903_606;

/// A port of this machine where something listens that is no PostgreSQL, for as long as the test runs.
fn something_else(says: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            // Whoever came may have gone.
            let _ = stream.write_all(says);
            kept.push(stream);
        }
    });
    port
}

#[tokio::test]
async fn whatever_keeps_us_out_looks_alike() {
    let service = impatient().await;
    let id = service.wanting("north").await;
    let own = Database::empty().await;
    let url = &own.url;
    let out = [
        behind(1, url),
        behind(something_else(b""), url),
        behind(something_else(b"HTTP/1.1 400 Bad Request\r\n\r\n"), url),
        behind(something_else(b"SSH-2.0-OpenSSH_9.2p1\r\n"), url),
        altered(url, |url| url.set_password(Some("hidden")).expect("a password")),
        altered(url, |url| url.set_username("hidden").expect("a user")),
        altered(url, |url| url.set_path("hidden")),
        altered(url, |url| url.set_host(Some("localhost")).expect("a host")) + "?sslmode=verify-full",
    ];
    let answers: Vec<_> = stream::iter(&out).map(|url| service.give(&id, url)).buffered(4).collect().await;
    for refused in &answers {
        is_problem(refused, 409, "database_unreachable");
        assert_eq!(refused.text, answers[0].text);
    }
    // Whoever goes on has to wait.
    for _ in 0..2 {
        is_problem(&service.give(&id, &behind(1, url)).await, 409, "database_unreachable");
    }
    let again = service.give(&id, url).await;
    is_problem(&again, 429, "too_many_requests");
    assert!(again.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn databases_are_where_the_operator_lets_them_be() {
    let own = Database::empty().await;
    let port = own.url.rsplit_once(':').and_then(|(_, end)| end.split('/').next()).expect("a port");
    let reach = |hosts: &str| Reach::try_new(Some(hosts), None, Patience::default()).expect("a way");
    let elsewhere = reach("*.example.org, 127.0.0.1:1");
    let service =
        with(Database::create().await, Hosting { keys: keys(A), reach: elsewhere, ..Hosting::default() }).await;
    let id = service.wanting("north").await;
    is_problem(&service.give(&id, &own.url).await, 422, "database_host_not_allowed");
    let here = reach(&format!("127.0.0.1:{port}"));
    let service = with(Database::create().await, Hosting { keys: keys(A), reach: here, ..Hosting::default() }).await;
    service.own_site("north", &own).await;
}

/// An installation that has had its first event.
async fn service_on(database: &Database) -> Service {
    on(database.clone(), keys(A), std::time::Duration::from_mins(10)).await
}

#[tokio::test]
async fn whom_it_is_not_for_and_where_there_is_nothing_to_give_is_refused() {
    let service = installation().await;
    let own = Database::empty().await;
    let id = service.wanting("north").await;
    let south = service.site("south").await;
    is_problem(&service.give(&south.site.to_string(), &own.url).await, 409, "site_database_not_wanted");
    is_problem(&service.give(&SiteId::DEFAULT.to_string(), &own.url).await, 409, "site_database_not_wanted");
    is_problem(&service.give(&Uuid::new_v4().to_string(), &own.url).await, 404, "not_found");
    let path = format!("/v1/sites/{id}/database");
    let put = |who: &Service, token: &str, body: &serde_json::Value| who.request(Method::PUT, token, &path).json(body);
    let body = json!({"url": own.url});
    is_problem(&answer(put(&south, &south.owner, &body)).await, 404, "not_found");
    is_problem(&answer(put(&south, &service.owner, &body)).await, 404, "not_found");
    is_problem(&answer(put(&service, "", &body)).await, 401, "unauthenticated");
    for body in [json!({}), json!({"url": 5}), json!({"url": own.url, "more": 1})] {
        is_problem(&answer(put(&service, &service.owner, &body)).await, 422, "invalid_fields");
    }
    let large = json!({"url": "x".repeat(2 << 20)});
    is_problem(&answer(put(&service, &service.owner, &large)).await, 413, "too_large");
    for command in ["GiveSiteDatabase", "ActivateSite"] {
        is_problem(&service.send(&service.owner, command, json!({"site_id": id})).await, 404, "not_found");
    }

    let keyless = Service::with_super_admin(NOW).await;
    let id = keyless.wanting("north").await;
    is_problem(&keyless.give(&id, &own.url).await, 409, "keys_missing");
}

#[tokio::test]
async fn one_database_given_to_two_sites_at_once_is_one_sites() {
    let service = installation().await;
    let own = Database::empty().await;
    let mut ids = Vec::new();
    for slug in ["a", "b", "c", "d"] {
        ids.push(service.wanting(slug).await);
    }
    let answers = join_all(ids.iter().map(|id| service.give(id, &own.url))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        is_problem(refused, 409, "database_in_use");
    }
    let kept = service.executor.store().site_databases().await.expect("a look");
    assert_eq!(kept.len(), 1, "{kept:?}");
}

#[tokio::test]
async fn two_databases_given_to_one_site_at_once_are_one() {
    let service = installation().await;
    let id = service.wanting("north").await;
    let mut databases = Vec::new();
    for _ in 0..4 {
        databases.push(Database::empty().await);
    }
    let answers = join_all(databases.iter().map(|database| service.give(&id, &database.url))).await;
    let refusals = ["site_database_given_already", "conflict"];
    let expected =
        |code: &serde_json::Value| code.is_null() || refusals.iter().any(|refusal| code.as_str() == Some(*refusal));
    assert!(answers.iter().all(|answer| expected(&answer.json["code"])), "{answers:?}");
    let host = service.at_host("north.example.org");
    until("one is set up", async || host.ask("", "/v1/me").await.status == 401).await;
    let mut owned = 0;
    for database in &databases {
        let sql = "select count(*) from pg_class where relname = 'events'";
        let made: i64 = sqlx::query_scalar(sql).fetch_one(&database.pool).await.expect("a count");
        if made > 0 && !rows_of(database, &id).await.iter().all(|(table, _)| table == "database_of") {
            owned += 1;
        }
    }
    assert_eq!(owned, 1, "the first owner was made in the one that it is in");
}

#[tokio::test]
async fn a_set_up_that_nobody_waits_for_is_ended_and_leaves_no_lock_behind() {
    let service = installation().await;
    let own = Database::empty().await;
    let id = service.wanting("north").await;
    let mut other = own.pool.acquire().await.expect("a connection");
    let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and l.locktype = 'advisory' and l.pid <> pg_backend_pid()";
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut *other).await.expect("the lock of all set-ups");
    {
        let mut asked = pin!(service.give(&id, &own.url));
        let waits = until("it waits for the lock", async || {
            let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&own.pool).await.expect("a count");
            // That which is held, and that which is waited for.
            waiting == 2
        });
        tokio::select! {
            given = &mut asked => panic!("it did not wait: {given:?}"),
            () = waits => {}
        }
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(LOCK).execute(&mut *other).await.expect("it is given back");
    until("nothing is locked", async || {
        let locked: i64 = sqlx::query_scalar(waiting).fetch_one(&own.pool).await.expect("a count");
        locked == 0
    })
    .await;
    // What was begun is ended, though nobody waits for it any more.
    let host = service.at_host("north.example.org");
    until("it is set up", async || host.ask("", "/v1/me").await.status == 401).await;
    assert_eq!(service.give(&id, &own.url).await.json["code"], "site_database_given_already");
}

#[tokio::test]
async fn a_set_up_that_broke_off_is_ended_by_whoever_finds_it() {
    let service = installation().await;
    let own = Database::empty().await;
    let id = service.wanting("north").await;
    let site: SiteId = id.parse().expect("an id");
    // As far as a process came that died then: the log is told, and where it is is sealed; nothing is set up.
    let store = service.executor.store();
    let sealed = keys(A).seal(site, &own.url.as_str().into()).expect("sealed");
    assert!(store.put_site_database(site, Uuid::new_v4(), &sealed, service.clock.now()).await.expect("kept"));
    let request = Request {
        site: SiteId::DEFAULT,
        actor: Actor::System,
        command: GiveSiteDatabase { site_id: site }.into(),
        command_id: None,
        if_match: None,
        correlation_id: None,
    };
    service.executor.execute(request).await.expect("it is given");
    let host = service.at_host("north.example.org");
    until("it is set up", async || host.ask("", "/v1/me").await.status == 401).await;
    let north = service.in_own("north", &id, &own).await;
    assert_eq!(north.get(&north.owner, "/v1/me").await["email"], "owner@north.example.org");
    is_problem(&service.give(&id, &Database::empty().await.url).await, 409, "site_database_given_already");
}

#[tokio::test]
async fn keys_are_changed_one_after_the_other() {
    let service = installation().await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    let (site, store) = (north.site, service.executor.store());
    let both = keys(&format!("{B},{A}"));
    let refused = store.rotate_keys(&keys(B)).await.expect_err("what is sealed under a cannot be read");
    assert!(refused.to_string().contains(&site.to_string()) && refused.to_string().contains("key a"), "{refused}");
    assert_eq!(store.rotate_keys(&both).await.expect("sealed anew"), 1);
    let sealed = store.site_database(site).await.expect("a look").expect("one").sealed;
    assert_eq!(sealed.key_id, "b");
    assert!(keys(A).open(site, &sealed).is_err() && keys(B).open(site, &sealed).is_ok());

    let idle = std::time::Duration::from_mins(10);
    let with_b = on(service.database.clone(), keys(B), idle).await.at_host("north.example.org");
    assert_eq!(with_b.ask(&north.owner, "/v1/me").await.status, 200);
    let with_a = on(service.database.clone(), keys(A), idle).await;
    let unavailable = with_a.at_host("north.example.org").ask(&north.owner, "/v1/me").await;
    is_problem(&unavailable, 503, "site_unavailable");
    assert!(unavailable.headers.contains_key("retry-after"));
    assert_eq!(with_a.ask(&with_a.owner, "/v1/me").await.status, 200, "nobody else is the worse for it");
}
