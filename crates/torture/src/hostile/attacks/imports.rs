//! An admin who has the largest rosters and registers looked at, many at once, and imports none of them.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};
use crate::hostile::school::WEEKS;

/// The address of whoever imports.
const FROM: u8 = 6;
/// The most rows of a roster that are taken.
pub const ROSTER_ROWS: usize = 20_000;
/// How many students a register has: with eight marks each, the most marks that are taken.
const REGISTER_ROWS: usize = 6_500;
/// The size of a file, in bytes: just under the 20 MiB that are taken.
const FILE_BYTES: usize = 19 << 20;
/// How many of each are looked at at a time.
const AT_ONCE: usize = 4;

/// A roster and a register.
pub fn files() -> Vec<Bytes> {
    let weeks: Vec<_> = (1..=WEEKS).map(|week| week.to_string()).collect();
    let roster = csv("name,email,external_id", ROSTER_ROWS, |nth| format!("New {nth},new.{nth}@greedy.test,T-{nth}"));
    let marks = vec!["present"; weeks.len()].join(",");
    let header = format!("email,{}", weeks.join(","));
    let register = csv(&header, REGISTER_ROWS, |nth| format!("new.{nth}@greedy.test,{marks}"));
    vec![roster.into(), register.into()]
}

/// A file of so many rows, with blanks in front of each so that it is as large as may be.
fn csv(header: &str, rows: usize, row: impl Fn(usize) -> String) -> Vec<u8> {
    let mut file = format!("{header}\n").into_bytes();
    for nth in 0..rows {
        let row = row(nth);
        let blanks = (FILE_BYTES / rows).saturating_sub(row.len() + 1);
        file.resize(file.len() + blanks, b' ');
        file.extend_from_slice(row.as_bytes());
        file.push(b'\n');
    }
    file
}

/// Has them looked at.
pub async fn run(target: Target, files: &[Bytes]) -> Result<(), Error> {
    let [roster, register] = files else { return Err(Error::Broken("there is nothing to import".to_owned())) };
    let client = client(FROM)?;
    let greedy = &target.scene.greedy;
    let looks_at = |what: &str, file: &Bytes| {
        let path = format!("/v1/cohorts/{}/{what}-import", greedy.cohort);
        let request = request(&client, &target, Method::POST, (&greedy.host, &greedy.admin.token), &path);
        request.header(CONTENT_TYPE, "text/csv").body(file.clone())
    };
    tokio::join!(
        again_and_again(&target, AT_ONCE, |_| looks_at("roster", roster)),
        again_and_again(&target, AT_ONCE, |_| looks_at("attendance", register)),
    );
    Ok(())
}
