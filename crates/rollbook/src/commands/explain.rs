//! `rollbook explain`: why a student's row is as it is, event by event.

use rollbook_domain::SiteId;
use rollbook_domain::site::Slug;
use rollbook_projections::Page;
use rollbook_projections::explain::{self, Change, ExplainItem};
use rollbook_store::EventStore;
use serde_json::{Map, Value};

use crate::catch_up::catch_up;
use crate::cli::{Explain, ExplainFormat};
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::table;

/// Prints the events that made the row.
pub async fn run(database: &Database, site: &Slug, arguments: &Explain) -> Done {
    let (store, site) = database.of_site(site).await?;
    catch_up(&store).await?;
    let items = all(&store, site, arguments).await?;
    if items.is_empty() {
        return Err(Failure::new(match arguments.flag {
            Some(flag) => format!("the enrolment {} has no flag {flag}", arguments.enrolment),
            None => format!("there is no enrolment {}", arguments.enrolment),
        }));
    }
    match arguments.format {
        ExplainFormat::Table => output::line(&as_table(&items)),
        ExplainFormat::Json => output::line(&serde_json::to_string_pretty(&items)?),
    }
}

async fn all(store: &EventStore, site: SiteId, arguments: &Explain) -> Done<Vec<ExplainItem>> {
    let mut page = Page { limit: Page::MAX_LIMIT, after: None };
    let mut items = Vec::new();
    loop {
        let enrolment = arguments.enrolment;
        let paged = match arguments.flag {
            Some(flag) => explain::flag(store, site, enrolment, flag, &page).await,
            None => explain::roster(store, site, enrolment, &page).await,
        };
        let paged = paged.map_err(Failure::new)?;
        items.extend(paged.items);
        match paged.next {
            Some(next) => page = page.after(next),
            None => return Ok(items),
        }
    }
}

/// A row for every field that changed; what is the event's own stands in its first row.
fn as_table(items: &[ExplainItem]) -> String {
    let mut shown = table(&[">position", "when (UTC)", "who", "event", "field", "before", "after"]);
    for item in items {
        let actor = item.actor.as_ref().map_or("the system", |actor| actor.name.as_str()).to_owned();
        let at = item.at.format("%F %H:%M").to_string();
        let mut event = [item.position.to_string(), at, actor, item.event_type.to_owned()];
        for (field, before, after) in item.changes.iter().flat_map(parts) {
            let row = std::mem::take(&mut event).into_iter().chain([field, text(&before), text(&after)]);
            shown.add_row(row);
        }
    }
    shown.trim_fmt()
}

/// The parts of a change: of a field with parts of its own, such as a record for every week, only those that differ.
pub fn parts(change: &Change) -> Vec<(String, Value, Value)> {
    let (before, after) = (change.before.reveal(), change.after.reveal());
    let fields = |value: &Value| match value {
        Value::Object(fields) => Some(fields.clone()),
        Value::Null => Some(Map::new()),
        _ => None,
    };
    match (fields(before), fields(after)) {
        (Some(old), Some(new)) if before.is_object() || after.is_object() => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            // Weeks are numbers written as text: 10 comes after 9.
            keys.sort_by_key(|key| (key.parse().unwrap_or(u64::MAX), *key));
            keys.dedup();
            let value = |fields: &Map<String, Value>, key: &String| fields.get(key).cloned().unwrap_or_default();
            keys.into_iter()
                .map(|key| (format!("{} {key}", change.field), value(&old, key), value(&new, key)))
                .filter(|(_, before, after)| before != after)
                .collect()
        }
        _ => vec![(change.field.clone(), before.clone(), after.clone())],
    }
}

/// A value for reading.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let said = fields.iter().filter(|(_, value)| !value.is_null());
            said.map(|(name, value)| format!("{name} {}", text(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rollbook_domain::Personal;
    use serde_json::json;

    use super::*;

    fn change(before: Value, after: Value) -> Change {
        Change { field: "attendance".into(), before: Personal::new(before), after: Personal::new(after) }
    }

    #[test]
    fn of_a_record_for_every_week_only_the_changed_weeks_are_shown() {
        let changed = change(json!({"2": "late", "10": "absent"}), json!({"1": "late", "2": "late", "10": "present"}));
        let shown: Vec<_> = parts(&changed).into_iter().map(|(f, b, a)| (f, text(&b), text(&a))).collect();
        let expected = [("attendance 1", "–", "late"), ("attendance 10", "absent", "present")];
        assert_eq!(shown, expected.map(|(f, b, a)| (f.to_owned(), b.to_owned(), a.to_owned())));
        assert_eq!(parts(&change(Value::Null, json!({}))), [], "an empty record says nothing");
        assert_eq!(parts(&change(json!(1), json!(2))), [("attendance".to_owned(), json!(1), json!(2))]);
    }
}
