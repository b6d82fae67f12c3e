//! Rebuilding under load, a rebuild that is killed half-way, and a row that somebody has changed.

use std::time::Instant;

use nix::sys::signal::Signal;
use rand::RngExt;
use rollbook_store::isolation::url_of_every_site;
use rollbook_store::transaction::begin;
use sqlx::Connection;

use super::scene::{Burden, command, random, serve, token};
use crate::binary::program::Home;
use crate::harness::Database;

#[tokio::test(flavor = "multi_thread")]
async fn rebuilds_come_to_the_same_while_appends_go_on() {
    let (home, database, mut random) = (Home::new(), Database::create().await, random());
    let url = Some(database.url.as_str());
    let process = serve(&home, url, None);
    let mut burden = Burden::on(&home.folder, vec![process.url.clone()], token(&home, url), &mut random).await;
    burden.more(50).await;
    for _ in 0..2 {
        let rebuild = home.start(&mut command(&home, url, &["projections", "rebuild", "--all"]));
        burden.more(20).await;
        rebuild.finish().done();
    }
    burden.everything_is_there(&database.url).await;
    process.running.end(Signal::SIGTERM).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_killed_leaves_the_rows_as_they_were() {
    let (home, database, mut random) = (Home::new(), Database::create().await, random());
    let url = Some(database.url.as_str());
    let process = serve(&home, url, None);
    let mut burden = Burden::on(&home.folder, vec![process.url.clone()], token(&home, url), &mut random).await;
    burden.more(50).await;
    let began = Instant::now();
    home.start(&mut command(&home, url, &["projections", "rebuild", "--all"])).finish().done();
    let whole = began.elapsed();
    // Somebody reads all the while, so that nothing can be put in place of the rows that they look at.
    let mut reader = begin(&database.pool).await.expect("a transaction");
    sqlx::query("lock table roster in access share mode").execute(&mut *reader).await.expect("a lock");
    let mut killed = 0;
    for _ in 0..4 {
        let rebuild = home.start(&mut command(&home, url, &["projections", "rebuild", "--all"]));
        tokio::time::sleep(whole.mul_f64(random.random_range(0.1..0.9))).await;
        killed += u32::from(rebuild.end(Signal::SIGKILL).signal == Some(9));
    }
    assert!(killed > 0, "none was under way any more");
    reader.rollback().await.expect("the reader leaves");
    burden.more(30).await;
    let rebuilt = home.start(&mut command(&home, url, &["projections", "rebuild", "roster"])).finish().done();
    assert!(rebuilt.out.starts_with("rebuilt roster"), "{}", rebuilt.out);
    burden.everything_is_there(&database.url).await;
    process.running.end(Signal::SIGTERM).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_has_changed_is_named() {
    let (home, database, mut random) = (Home::new(), Database::create().await, random());
    let url = Some(database.url.as_str());
    let process = serve(&home, url, None);
    let mut burden = Burden::on(&home.folder, vec![process.url.clone()], token(&home, url), &mut random).await;
    burden.more(40).await;
    burden.everything_is_there(&database.url).await;
    process.running.end(Signal::SIGTERM).done();
    let mut connection = sqlx::PgConnection::connect(&url_of_every_site(&database.url)).await.expect("a connection");
    let sql = "update roster set held_reason = 'forged', held = true
        where ctid = (select min(ctid) from roster) returning enrolment_id::text";
    let enrolment: String = sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("somebody tampers");
    let verified = home.start(&mut command(&home, url, &["projections", "verify", "roster"])).finish();
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let table = verified.out.lines().find(|line| line.contains("forged")).expect("the row");
    assert!(table.contains(&enrolment), "{}", verified.out);
    assert!(verified.err.contains("roster"), "{}", verified.err);
}
