//! The read models: all at the end of the log, nothing parked, and every row as a fold of the log makes it. This part uses
//! the service's own verification.

use rollbook_projections::engine::Status;
use rollbook_projections::{Difference, ProjectionError, ProjectionItem, Projections};
use rollbook_store::EventStore;
use rollbook_store::connect::pool_options;
use rollbook_store::isolation::every_site;

use super::{Report, Violation};
use crate::Error;

/// Compares them.
pub async fn check(url: &str, report: &mut Report) -> Result<(), Error> {
    let pool = pool_options(4).connect_with(every_site(url.parse()?)).await?;
    let projections = Projections::new(EventStore::new(pool.clone()));
    for ProjectionItem { name, lag, parked, status, error, .. } in projections.list().await? {
        if lag != 0 || parked != 0 || status != Status::Live {
            let what = format!(
                "{lag} events behind, {parked} streams parked, {status:?}{}",
                error.map(|error| format!(": {error}")).unwrap_or_default()
            );
            report.violations.push(Violation::Behind { name, what });
        }
    }
    let verified = match projections.verify(None, &mut |_| {}).await {
        Err(error @ ProjectionError::Store(_)) => return Err(error.into()),
        Err(error) => {
            let what = format!("cannot be compared with the log: {error}");
            report.violations.push(Violation::Behind { name: "all of them".to_owned(), what });
            Vec::new()
        }
        Ok(verified) => verified,
    };
    for verified in verified {
        report.rows += verified.rows;
        let differences = verified.differences.into_iter().map(|Difference { live, rebuilt }| Violation::Model {
            name: verified.name.to_owned(),
            live,
            rebuilt,
        });
        report.violations.extend(differences);
    }
    pool.close().await;
    Ok(())
}
