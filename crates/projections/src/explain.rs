//! Why a row is as it is: the events that made it so, each with the fields before and after, from any read model's own
//! fold. It stores nothing and decides nothing.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rollbook_domain::{Authority, EnrolmentId, PersonId, Personal, SiteId, StreamId};
use rollbook_store::{EventStore, Position, Recorded, StoreError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::models::PersonRef;
use crate::models::absence_flags::AbsenceFlags;
use crate::models::names::{actor, person_names};
use crate::models::roster::Roster;
use crate::page::part;
use crate::{Page, Paged, QueryError, ReadModel, Rows};

/// The field that follows the stream's version: every event raises it, so that it explains nothing.
const BOOKKEEPING: &str = "version";

/// How many events are read at a time.
const PART_EVENTS: i64 = 100;

/// A field that an event changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// Its name in the row.
    pub field: String,
    /// What it was; null where it was nothing, or where there was no row.
    pub before: Personal<Value>,
    /// What it is from then on.
    pub after: Personal<Value>,
}

/// An event that changed a row.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplainItem {
    /// Its place in the log.
    pub position: Position,
    /// Its type, such as `StudentAdvanced`.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom; null is the system.
    pub actor: Option<PersonRef>,
    /// In what capacity.
    pub authority: Option<Authority>,
    /// The fields that it changed. The row's `version`, which every event raises, is not among them.
    pub changes: Vec<Change>,
}

/// One row of a read model, event by event.
#[derive(Debug)]
pub struct Explainer<M: ReadModel> {
    site: SiteId,
    key: M::Key,
    rows: Rows<M>,
    fields: Personal<Map<String, Value>>,
}

impl<M: ReadModel> Explainer<M> {
    /// The row of a key, before its first event.
    pub fn new(site: SiteId, key: M::Key) -> Self {
        Self { site, key, rows: Rows::default(), fields: Personal::new(Map::new()) }
    }

    /// Folds the next event; what it changed, in the order of the row's fields.
    pub fn next(&mut self, event: &Recorded) -> Result<Vec<Change>, StoreError> {
        self.rows.fold(std::slice::from_ref(event));
        let after = match self.row().map(serde_json::to_value).transpose()? {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        let before = std::mem::replace(&mut self.fields, Personal::new(after.clone())).into_inner();
        let value = |fields: &Map<String, Value>, name: &str| fields.get(name).cloned().unwrap_or_default();
        let names = M::KEY.iter().chain(M::COLUMNS).filter(|name| **name != BOOKKEEPING);
        let fields = names.map(|name| (name, value(&before, name), value(&after, name)));
        let changed = fields.filter(|(_, before, after)| before != after).map(|(name, before, after)| Change {
            field: (*name).to_owned(),
            before: Personal::new(before),
            after: Personal::new(after),
        });
        Ok(changed.collect())
    }

    /// The row after the events so far.
    pub fn row(&self) -> Option<&M::Row> {
        self.rows.get(self.site, &self.key)
    }
}

/// The events that made an enrolment's row of the roster, the oldest first.
pub async fn roster(
    store: &EventStore,
    site: SiteId,
    enrolment: EnrolmentId,
    page: &Page,
) -> Result<Paged<ExplainItem>, QueryError> {
    events(store, Explainer::<Roster>::new(site, enrolment), enrolment.into(), page).await
}

/// The events that made the row of an enrolment's absence flag, the oldest first; none at all where there is no such flag.
pub async fn flag(
    store: &EventStore,
    site: SiteId,
    enrolment: EnrolmentId,
    flag: u16,
    page: &Page,
) -> Result<Paged<ExplainItem>, QueryError> {
    events(store, Explainer::<AbsenceFlags>::new(site, (enrolment, flag)), enrolment.into(), page).await
}

/// The events of a stream that changed a row. What came before the page is folded too, or nobody would know what was before;
/// what comes after it is not read.
async fn events<M: ReadModel>(
    store: &EventStore,
    mut row: Explainer<M>,
    stream: StreamId,
    page: &Page,
) -> Result<Paged<ExplainItem>, QueryError> {
    let after: Position = page.cursor()?.map(|[position]| part(position)).transpose()?.unwrap_or(0);
    let (mut found, mut read, mut more) = (Vec::new(), 0, true);
    while more && found.len() <= page.limit as usize {
        let stretch = store.read_stream(row.site, stream, read, PART_EVENTS).await?;
        (read, more) = (stretch.reached, stretch.more);
        for event in stretch.events {
            let changes = row.next(&event)?;
            if event.position > after && !changes.is_empty() {
                found.push((event, changes));
            }
        }
    }
    found.truncate(page.limit as usize + 1);
    let actors: BTreeSet<PersonId> = found.iter().filter_map(|(event, _)| event.actor).collect();
    let names = person_names(store.pool(), row.site, &actors).await?;
    let items = found.into_iter().map(|(event, changes)| ExplainItem {
        position: event.position,
        event_type: event.event.type_name(),
        at: event.recorded_at,
        actor: actor(&event, &names),
        authority: event.authority,
        changes,
    });
    Ok(page.cut(items.collect(), |item| item.position.to_string()))
}

#[cfg(test)]
mod tests;
