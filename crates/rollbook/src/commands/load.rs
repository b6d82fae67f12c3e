//! `rollbook load`: everything that cannot be made again, out of another database.

use crate::cli::{DatabaseArgs, Load};
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::table;

/// Copies it, and says how much of what that was.
pub async fn run(database: &Database, place: &DatabaseArgs, arguments: &Load) -> Done {
    let from = arguments.from.as_str();
    let is_url = from.contains("://");
    if !is_url && !std::path::Path::new(from).is_dir() {
        return Err(Failure::new(format!("{from} is neither the URL of a database nor a data directory")));
    }
    let other = if is_url {
        DatabaseArgs { database_url: Some(from.to_owned()), ..place.clone() }
    } else {
        DatabaseArgs { database_url: None, data_dir: from.into(), ..place.clone() }
    };
    let other = Database::open(&other, database.keys().clone(), database.reach().clone(), false).await;
    let other = other.map_err(|failure| failure.during("the database to load from"))?;
    let copied = database.load(&other).await;
    let copied =
        copied.map_err(|error| Failure::new(error).during(format!("nothing was loaded from {}", other.place())));
    let closed = other.close().await;
    let mut shown = table(&["table", "rows"]);
    for (name, rows) in copied? {
        shown.add_row([name.to_owned(), rows.to_string()]);
    }
    closed?;
    output::line(&shown.trim_fmt())?;
    output::line("loaded; the read models are made when the service starts")
}
