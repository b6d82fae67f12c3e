//! `rollbook database-url`: the URL of the database in use, for `psql "$(rollbook database-url)"`, which sees every site.

use std::io::{IsTerminal, stderr, stdout};

use rollbook_store::isolation::url_of_every_site;
use secrecy::ExposeSecret;

use crate::database::Database;
use crate::failure::Done;
use crate::output;

/// Prints the URL alone.
pub fn run(database: &Database) -> Done {
    output::line(&url_of_every_site(database.url().expose_secret()))?;
    if stdout().is_terminal() && stderr().is_terminal() && database.is_private() {
        output::say("(it answers for as long as `rollbook serve` or `rollbook demo` is running)");
    }
    Ok(())
}
