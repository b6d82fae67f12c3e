//! `rollbook audit`: who decided what about whom, and why, straight from the read model once it is up to date.

use rollbook_domain::SiteId;
use rollbook_domain::site::Slug;
use rollbook_http::Sheet;
use rollbook_projections::Page;
use rollbook_projections::models::audit_trail::{self, AuditFilter, AuditItem};
use rollbook_store::EventStore;

use crate::catch_up::catch_up;
use crate::cli::{Audit, AuditCommand, Format};
use crate::commands::replay;
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::table;

/// How many rows a table has at most: whoever wants more wants another form.
const TABLE_ROWS: usize = 5_000;

/// Prints what was asked for.
pub async fn run(database: &Database, site: &Slug, arguments: &Audit) -> Done {
    if let Some(AuditCommand::Replay(arguments)) = &arguments.command {
        return replay::run(database, site, arguments).await;
    }
    let (store, site) = database.of_site(site).await?;
    catch_up(&store).await?;
    let filter = AuditFilter {
        cohort_id: arguments.cohort,
        person_id: arguments.person,
        enrolment_id: arguments.enrolment,
        actor_id: arguments.actor,
        action: arguments.action,
        from: arguments.from,
        to: arguments.to,
        with_registry: true,
    };
    match arguments.format {
        Format::Table => print_table(&store, site, &filter).await,
        Format::Csv => {
            let sheet = Sheet::new(AuditItem::COLUMNS);
            output::part(&sheet.heading()?)?;
            in_pages(&store, site, &filter, |items| output::part(&sheet.lines(items)?).map(|()| true)).await
        }
        Format::Ndjson => {
            in_pages(&store, site, &filter, |items| output::part(lines(items, "", "")?.as_bytes()).map(|()| true)).await
        }
        Format::Json => {
            // One array, which is a list of lines with commas between them.
            let mut before = "[";
            let print = |items: &[AuditItem]| {
                if !items.is_empty() {
                    output::part(lines(items, std::mem::replace(&mut before, ","), ",")?.as_bytes())?;
                }
                Ok(true)
            };
            in_pages(&store, site, &filter, print).await?;
            output::line(if before == "[" { "[]" } else { "]" })
        }
    }
}

/// Items as JSON, one a line: something before the first, and something before the others.
fn lines(items: &[AuditItem], first: &str, others: &str) -> Done<String> {
    let mut lines = String::new();
    for (nth, item) in items.iter().enumerate() {
        lines.push_str(if nth == 0 { first } else { others });
        lines.push_str(&serde_json::to_string(item)?);
        lines.push('\n');
    }
    Ok(lines)
}

async fn print_table(store: &EventStore, site: SiteId, filter: &AuditFilter) -> Done {
    let items = at_most(store, site, filter, TABLE_ROWS + 1).await?;
    if items.is_empty() {
        return output::line("nothing was decided that matches");
    }
    output::line(&as_table(&items[..items.len().min(TABLE_ROWS)], true))?;
    if items.len() > TABLE_ROWS {
        output::say(&format!("only the first {TABLE_ROWS} are shown; --format csv, json and ndjson print all of them"));
    }
    Ok(())
}

/// Everything that the filter lets through, page by page, for as long as more is wanted: no more than a page is held.
async fn in_pages(
    store: &EventStore,
    site: SiteId,
    filter: &AuditFilter,
    mut take: impl FnMut(&[AuditItem]) -> Done<bool>,
) -> Done {
    let mut page = Page { limit: Page::MAX_LIMIT, after: None };
    loop {
        let paged = audit_trail::list(store.pool(), site, filter, &page).await.map_err(Failure::new)?;
        let more = take(&paged.items)?;
        match paged.next {
            Some(next) if more => page = page.after(next),
            _ => return Ok(()),
        }
    }
}

/// What the filter lets through, of that the first so many.
pub async fn at_most(store: &EventStore, site: SiteId, filter: &AuditFilter, limit: usize) -> Done<Vec<AuditItem>> {
    let mut items = Vec::new();
    in_pages(store, site, filter, |page| {
        items.extend_from_slice(&page[..page.len().min(limit - items.len())]);
        Ok(items.len() < limit)
    })
    .await?;
    Ok(items)
}

/// A table for reading; the student's name is left out where it is the same in every row.
pub fn as_table(items: &[AuditItem], names: bool) -> String {
    let mut headings = vec!["when (UTC)", "who", "what"];
    if names {
        headings.push("about");
    }
    headings.extend(["week", "why"]);
    let mut shown = table(&headings);
    for item in items {
        let mut row = vec![item.at.format("%F %H:%M").to_string(), who(item), action(item)];
        if names {
            row.push(item.subject.name.as_str().to_owned());
        }
        row.push(weeks(item));
        row.push(item.reason.as_ref().map(|reason| reason.as_str().to_owned()).unwrap_or_default());
        shown.add_row(row);
    }
    shown.trim_fmt()
}

fn who(item: &AuditItem) -> String {
    item.actor.as_ref().map_or_else(|| "the system".to_owned(), |actor| actor.name.as_str().to_owned())
}

fn action(item: &AuditItem) -> String {
    item.action.to_string().replace('_', " ")
}

fn weeks(item: &AuditItem) -> String {
    match (item.from_week, item.to_week) {
        (Some(from), Some(to)) if from != to => format!("{from} → {to}"),
        (_, Some(week)) | (Some(week), None) => week.to_string(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use rollbook_projections::models::PersonRef;
    use rollbook_projections::models::audit_trail::{AuditAction, AuditSubject};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing() {
        let subject = AuditSubject {
            enrolment_id: None,
            name: "@Anna".into(),
            person_id: None,
            cohort_id: None,
            hub_id: None,
            module_id: None,
        };
        let item = AuditItem {
            at: DateTime::default(),
            actor: Some(PersonRef { id: Uuid::nil().into(), name: "=HYPERLINK(1)".into() }),
            authority: None,
            action: AuditAction::Held,
            subject,
            from_week: None,
            to_week: None,
            reason: Some("\n=1+1".into()),
            command_id: Uuid::nil().into(),
            position: 1,
        };
        let csv = Sheet::new(AuditItem::COLUMNS).lines(&[item]).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        for text in ["'@Anna", "'=HYPERLINK(1)", "'\n'=1+1"] {
            assert!(csv.contains(text), "{text} in {csv}");
        }
    }
}
