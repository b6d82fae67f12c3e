//! `rollbook audit`: who decided what about whom, and why, straight from the read model once it is up to date.

use chrono::{DateTime, SecondsFormat, Utc};
use rollbook_domain::SiteId;
use rollbook_http::disarmed;
use rollbook_projections::Page;
use rollbook_projections::models::audit_trail::{self, AuditFilter, AuditItem};
use rollbook_store::EventStore;

use crate::catch_up::catch_up;
use crate::cli::{Audit, Format};
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::table;

/// Prints what was asked for.
pub async fn run(database: &Database, arguments: &Audit) -> Done {
    let store = database.store().await?;
    catch_up(&store).await?;
    let filter = AuditFilter {
        cohort_id: arguments.cohort,
        person_id: arguments.person,
        actor_id: arguments.actor,
        from: arguments.from,
        to: arguments.to,
        ..AuditFilter::default()
    };
    let items = all(&store, &filter).await?;
    match arguments.format {
        Format::Table if items.is_empty() => output::line("nothing was decided that matches"),
        Format::Table => output::line(&as_table(&items, true)),
        Format::Csv => output::line(&as_csv(&items)?),
        Format::Json => output::line(&serde_json::to_string_pretty(&items)?),
    }
}

/// Everything that the filter lets through.
pub async fn all(store: &EventStore, filter: &AuditFilter) -> Done<Vec<AuditItem>> {
    let mut page = Page { limit: Page::MAX_LIMIT, after: None };
    let mut items = Vec::new();
    loop {
        let paged = audit_trail::list(store.pool(), SiteId::DEFAULT, filter, &page).await.map_err(Failure::new)?;
        items.extend(paged.items);
        match paged.next {
            Some(next) => page = page.after(next),
            None => return Ok(items),
        }
    }
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

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn as_csv(items: &[AuditItem]) -> Done<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record([
        "at",
        "actor_id",
        "actor_name",
        "authority",
        "action",
        "enrolment_id",
        "subject_name",
        "from_week",
        "to_week",
        "reason",
        "command_id",
        "position",
    ])?;
    for item in items {
        let optional = |value: Option<String>| value.unwrap_or_default();
        writer.write_record([
            instant(item.at),
            optional(item.actor.as_ref().map(|actor| actor.id.to_string())),
            disarmed(optional(item.actor.as_ref().map(|actor| actor.name.as_str().to_owned()))),
            optional(item.authority.map(|authority| authority.to_string())),
            item.action.to_string(),
            optional(item.subject.enrolment_id.map(|id| id.to_string())),
            disarmed(item.subject.name.as_str().to_owned()),
            optional(item.from_week.map(|week| week.to_string())),
            optional(item.to_week.map(|week| week.to_string())),
            disarmed(optional(item.reason.as_ref().map(|reason| reason.as_str().to_owned()))),
            item.command_id.to_string(),
            item.position.to_string(),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::new(error.error()))?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
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
        let csv = as_csv(&[item]).ok().unwrap();
        for text in ["'@Anna", "'=HYPERLINK(1)", "'\n=1+1"] {
            assert!(csv.contains(text), "{text} in {csv}");
        }
    }
}
