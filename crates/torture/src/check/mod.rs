//! The checker: it proves from the database alone what the service promises, by plain SQL and rules written a second time.
//! It changes nothing, and only the comparison of the read models is done by the service's own code.

mod claims;
mod commands;
mod log;
mod models;
mod violation;

use rollbook_store::isolation::every_site;
use sqlx::{Connection, PgConnection};

use crate::Error;
use crate::receipts::Receipt;

pub use violation::{Claim, Violation};

/// What was checked, and what was found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many events the log has.
    pub events: usize,
    /// How many streams they are of.
    pub streams: usize,
    /// How many commands were carried out.
    pub commands: usize,
    /// How many receipts were looked up.
    pub receipts: usize,
    /// How many claims there are.
    pub claims: usize,
    /// How many rows of read models were compared.
    pub rows: u64,
    /// What is not as it must be.
    pub violations: Vec<Violation>,
}

/// Checks the log, the commands, the claims and what was acknowledged in one snapshot; then the read models.
pub async fn check(url: &str, receipts: &[Receipt]) -> Result<Report, Error> {
    let mut report = check_log(url, receipts).await?;
    models::check(url, &mut report).await?;
    Ok(report)
}

/// The same without the read models: also while the service runs.
pub async fn check_log(url: &str, receipts: &[Receipt]) -> Result<Report, Error> {
    let mut report = Report { receipts: receipts.len(), ..Report::default() };
    let mut database = PgConnection::connect_with(&every_site(url.parse()?)).await?;
    #[expect(clippy::disallowed_methods, reason = "no pool lends this connection")]
    let mut snapshot = database.begin_with("begin isolation level repeatable read read only").await?;
    let log = log::read(&mut snapshot, receipts, &mut report).await?;
    commands::check(&mut snapshot, &log, receipts, &mut report).await?;
    claims::check(&mut snapshot, &log.claims, &mut report).await?;
    Ok(report)
}
