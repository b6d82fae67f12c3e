//! `rollbook migrate`: the schema, brought to this version. Starting the service does the same.

use crate::database::Database;
use crate::failure::Done;
use crate::output;

/// Migrates, and says what that came to.
pub async fn run(database: &Database) -> Done {
    let (before, after) = database.migrate().await?;
    let done = match after - before.min(after) {
        0 => format!("up to date: all {after} migrations were applied before"),
        1 => format!("applied 1 migration, {after} in all"),
        new => format!("applied {new} migrations, {after} in all"),
    };
    output::line(&format!("{}: {done}", database.place()))?;
    match database.migrate_sites().await? {
        0 => Ok(()),
        1 => output::line("the database of 1 site is up to date"),
        sites => output::line(&format!("the databases of {sites} sites are up to date")),
    }
}
