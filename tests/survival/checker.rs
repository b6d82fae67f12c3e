//! The checker finds every kind of damage, and names it; what is whole it leaves alone.

use std::collections::BTreeSet;

use rollbook_torture::check::{Report, check, check_log};
use rollbook_torture::load::{Load, Target};
use rollbook_torture::receipts::{self, Acknowledged, Receipt};
use rollbook_torture::run::caught_up;
use serde_json::json;
use sqlx::PgPool;

use super::scene::NOW;
use crate::harness::{Service, client};

/// A log that a load has made, with its receipts. Nobody folds any more.
async fn history() -> (Service, Vec<Receipt>) {
    let service = Service::start(NOW).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("receipts");
    let target = Target {
        client: client(),
        urls: vec![service.url.clone()],
        token: service.owner.clone(),
        acknowledged: Acknowledged::create(&path).expect("a file"),
    };
    let mut load = Load::start(target, 3, 7).await.expect("a school");
    load.more(120).await.expect("the clients go on");
    load.finish().await.expect("every command is answered");
    caught_up(&service.database.url).await.expect("the read models catch up");
    service.projections.stop().await;
    (service, receipts::read(&path).expect("the receipts"))
}

/// The kinds of what was found.
fn kinds(report: &Report) -> BTreeSet<String> {
    let kind = |violation| {
        let text = format!("{violation:?}");
        text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    };
    report.violations.iter().map(kind).collect()
}

/// Does something that the service's own role may not do, or not this way: without triggers.
async fn damage(pool: &PgPool, statements: &str) {
    let sql = format!(
        "begin; alter table events disable trigger user; {statements}; alter table events enable trigger user; commit"
    );
    sqlx::raw_sql(&sql).execute(pool).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
}

/// A table is kept as it was, and put back after each damage.
const TABLES: [&str; 6] = ["events", "commands", "claims", "projections", "roster", "parked_streams"];

/// Each damage, with what must be found, at least.
const DAMAGES: &[(&str, &[&str])] = &[
    // The log.
    ("delete from events where position = 20", &["Position", "Command", "Receipt"]),
    ("delete from events where position = (select max(position) from events)", &["Command", "Receipt"]),
    ("update events set position = position + 7 where position = (select max(position) from events)", &["Position"]),
    (
        "update events set sequence = sequence + 1 where position = (select max(position) from events)",
        &["Sequence", "Receipt"],
    ),
    (
        "create temporary table two on commit drop as
            select aggregate_id as id from events where sequence = 2 limit 1;
        update events set sequence = 1000 where sequence = 1 and aggregate_id = (select id from two);
        update events set sequence = 1 where sequence = 2 and aggregate_id = (select id from two);
        update events set sequence = 2 where sequence = 1000",
        &["Sequence"],
    ),
    (
        "update events set event_type = 'HubBurnt', payload = '{\"HubBurnt\": {}}' where position = 20",
        &["Receipt", "Behind"],
    ),
    (
        "update events set payload = replace(payload::text, 'Hub 1', 'Hub X')::json
        where event_type = 'HubFounded'",
        &["Receipt"],
    ),
    ("update events set command_id = gen_random_uuid() where position = 20", &["NoCommand", "Command", "Receipt"]),
    (
        "update events set metadata = jsonb_set(metadata::jsonb, '{command_id}', '\"somebody\"')::json where position = 20",
        &["Metadata"],
    ),
    (
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, command_id)
        select aggregate_type, aggregate_id, (select max(sequence) + 1 from events where aggregate_id = e.aggregate_id),
            event_type, event_version, payload, metadata, command_id from events e where position = 20",
        &["Command", "Receipt"],
    ),
    // The commands.
    ("delete from commands where first_position = 20", &["Lost", "NoCommand"]),
    (
        "insert into commands select gen_random_uuid(), command_id, command_hash, first_position, last_position, streams,
            lists, recorded_at from commands where first_position = 20",
        &["CommandTwice"],
    ),
    ("update commands set last_position = last_position + 1 where first_position = 20", &["Command", "Receipt"]),
    ("update commands set first_position = null where first_position = 20", &["Command"]),
    ("update commands set last_position = 100000 where first_position is null", &["Command"]),
    (
        "update commands set streams = regexp_replace(streams::text, '\"version\":', '\"version\":1')::json
        where first_position = 20",
        &["Command", "Receipt"],
    ),
    // The claims.
    ("delete from claims where kind = 'email'", &["ClaimMissing"]),
    ("insert into claims select site_id, kind, key || 'x', owner from claims where kind = 'place'", &["ClaimTooMany"]),
    ("update claims set owner = gen_random_uuid() where kind = 'hub_place'", &["ClaimMissing", "ClaimTooMany"]),
    ("delete from claims where kind = 'module_code'", &["ClaimMissing"]),
    ("delete from claims where kind = 'active_enrolment'", &["ClaimMissing"]),
    ("delete from claims where kind = 'enrolment'", &["ClaimMissing"]),
    (
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
        select aggregate_type, gen_random_uuid(), 1, event_type, event_version, payload, metadata
        from events where event_type = 'PersonRegistered' order by position desc limit 1",
        &["ClaimedTwice", "NoCommand"],
    ),
    // The read models.
    ("update roster set week = 50 where ctid = (select min(ctid) from roster)", &["Model"]),
    ("delete from roster where ctid = (select min(ctid) from roster)", &["Model"]),
    ("update projections set position = position - 1 where name = 'hubs'", &["Behind"]),
    ("update projections set status = 'stuck' where name = 'hubs'", &["Behind"]),
    ("update projections set parked = 1 where name = 'hubs'", &["Behind"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_damage_is_found() {
    let (service, receipts) = history().await;
    let (url, pool) = (&service.database.url, &service.database.pool);
    let whole = check(url, &receipts).await.expect("a report");
    assert_eq!(whole.violations, []);
    assert!(whole.events > 100 && whole.claims > 10 && whole.rows > 50 && whole.receipts > 100, "{whole:?}");
    for table in TABLES {
        let sql = format!("create schema if not exists whole; create table whole.{table} as table public.{table}");
        sqlx::raw_sql(&sql).execute(pool).await.expect("a copy");
    }
    for (statement, expected) in DAMAGES {
        damage(pool, statement).await;
        let of_models = expected.iter().any(|kind| ["Model", "Behind"].contains(kind));
        let report = if of_models { check(url, &receipts).await } else { check_log(url, &receipts).await };
        let found = kinds(&report.expect("a report"));
        assert!(expected.iter().all(|kind| found.contains(*kind)), "{statement}: {found:?}");
        let back = TABLES.map(|table| format!("delete from {table}; insert into {table} select * from whole.{table}"));
        damage(pool, &back.join("; ")).await;
    }
    let mended = check(url, &receipts).await.expect("a report");
    assert_eq!(mended.violations, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_schools_claim_in_the_registry_is_known() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let hosts = json!([{"host": "kept.example.org"}, {"host": "north.example.org"}]);
    for hosts in [hosts, json!([{"host": "kept.example.org"}])] {
        service.command(&service.owner, "SetSiteHosts", json!({"site_id": north.site, "hosts": hosts})).await;
    }
    let report = check_log(&service.database.url, &[]).await.expect("a report");
    assert_eq!(report.violations, []);
    for kind in ["site_slug", "site_host"] {
        damage(&service.database.pool, &format!("delete from claims where kind = '{kind}'")).await;
        let found = check_log(&service.database.url, &[]).await.expect("a report").violations;
        assert!(found.iter().any(|found| format!("{found}").contains(&format!("{kind} "))), "{kind}: {found:?}");
    }
}

/// What must be found, when a receipt is changed like this.
type Falsehood = (&'static str, fn(&mut Receipt));

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_says_something_else_is_found() {
    let (service, receipts) = history().await;
    let url = &service.database.url;
    let nth = receipts.iter().position(|receipt| receipt.events.len() == 1).expect("a receipt");
    let falsehoods: [Falsehood; 6] = [
        ("Lost", |receipt| receipt.command_id = uuid::Uuid::new_v4()),
        ("Receipt", |receipt| receipt.position += 1),
        ("Receipt", |receipt| receipt.events.clear()),
        ("Receipt", |receipt| receipt.events[0].sequence += 1),
        ("Receipt", |receipt| receipt.events[0].event_type.push('X')),
        ("Receipt", |receipt| receipt.streams[0].version += 1),
    ];
    for (expected, falsify) in falsehoods {
        let mut changed = receipts.clone();
        falsify(&mut changed[nth]);
        let found = kinds(&check_log(url, &changed).await.expect("a report"));
        assert!(found.contains(expected), "{expected}: {found:?}");
        // The same command acknowledged twice, and differently.
        if expected == "Receipt" {
            let mut twice = receipts.clone();
            twice.push(changed[nth].clone());
            assert!(kinds(&check_log(url, &twice).await.expect("a report")).contains("Receipt"));
        }
    }
}
