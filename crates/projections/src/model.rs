//! What a read model is: a pure fold from events to rows by key. It does no I/O, reads no clock and decides nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use rollbook_domain::SiteId;
use rollbook_store::Recorded;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A read model: the shape of its table, and the fold that fills it. The table's `site_id` is the engine's business, so
/// that no fold can read or write a row of another site.
pub trait ReadModel: Sized + Send + Sync + 'static {
    /// The name, as operators know it.
    const NAME: &'static str;
    /// Goes up whenever the fold or the row changes: the engine then builds the table anew.
    const VERSION: i32;
    /// The table. Its columns are `site_id`, the key's and the others, and nothing else.
    const TABLE: &'static str;
    /// The key's columns besides `site_id`, in the order of [`ReadModel::Key`].
    const KEY: &'static [&'static str];
    /// The other columns.
    const COLUMNS: &'static [&'static str];

    /// Whether no event touches a row but the one that made it, so that a rebuild need not keep it.
    const WRITTEN_ONCE: bool = false;

    /// The key within a site. It serialises to one value, or to as many as there are key columns.
    type Key: Ord + Hash + Clone + Debug + Serialize + DeserializeOwned + Send + Sync;
    /// A row. It serialises to an object with a field for each column but `site_id`.
    type Row: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync;

    /// The keys of the rows that an event may read or change.
    fn touches(event: &Recorded) -> Vec<Self::Key>;

    /// A row's key.
    fn key(row: &Self::Row) -> Self::Key;

    /// What an event does to the rows that it touches.
    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>);
}

/// Rows by site and key, with what they were when they were put in.
#[derive(Debug)]
pub struct Rows<M: ReadModel> {
    slots: BTreeMap<(SiteId, M::Key), Slot<M::Row>>,
}

#[derive(Debug)]
struct Slot<R> {
    stored: Option<R>,
    now: Option<R>,
}

impl<R> Default for Slot<R> {
    fn default() -> Self {
        Self { stored: None, now: None }
    }
}

impl<M: ReadModel> Default for Rows<M> {
    fn default() -> Self {
        Self { slots: BTreeMap::new() }
    }
}

impl<M: ReadModel> Rows<M> {
    /// Puts a row in as it is stored.
    pub fn load(&mut self, site: SiteId, row: M::Row) {
        let key = M::key(&row);
        self.slots.insert((site, key), Slot { stored: Some(row.clone()), now: Some(row) });
    }

    /// Folds events into the rows, in order.
    pub fn fold(&mut self, events: &[Recorded]) {
        for event in events {
            if !M::touches(event).is_empty() {
                M::fold(event, &mut SiteRows { site: event.site, rows: self });
            }
        }
    }

    /// A row as it is now.
    pub fn get(&self, site: SiteId, key: &M::Key) -> Option<&M::Row> {
        self.slots.get(&(site, key.clone()))?.now.as_ref()
    }

    /// Takes a row out.
    pub fn take(&mut self, site: SiteId, key: &M::Key) -> Option<M::Row> {
        self.slots.remove(&(site, key.clone()))?.now
    }

    /// The rows that there are now, in the order of site and key.
    pub fn iter(&self) -> impl Iterator<Item = (SiteId, &M::Row)> {
        self.slots.iter().filter_map(|((site, _), slot)| Some((*site, slot.now.as_ref()?)))
    }

    /// The rows that differ from what is stored: none is a row to delete.
    pub fn changes(&self) -> impl Iterator<Item = (SiteId, &M::Key, Option<&M::Row>)> {
        let changed = self.slots.iter().filter(|(_, slot)| slot.stored != slot.now);
        changed.map(|((site, key), slot)| (*site, key, slot.now.as_ref()))
    }
}

/// The rows of the site that an event belongs to: all that a fold sees.
#[derive(Debug)]
pub struct SiteRows<'r, M: ReadModel> {
    site: SiteId,
    rows: &'r mut Rows<M>,
}

impl<M: ReadModel> SiteRows<'_, M> {
    /// A row as the events so far made it.
    pub fn get(&self, key: &M::Key) -> Option<&M::Row> {
        self.rows.get(self.site, key)
    }

    /// Puts a row in, in place of one with the same key.
    pub fn put(&mut self, row: M::Row) {
        let key = (self.site, M::key(&row));
        self.rows.slots.entry(key).or_default().now = Some(row);
    }

    /// Changes a row, if it is there. The key must stay.
    pub fn update(&mut self, key: M::Key, change: impl FnOnce(&mut M::Row)) {
        if let Some(row) = self.rows.slots.get_mut(&(self.site, key)).and_then(|slot| slot.now.as_mut()) {
            change(row);
        }
    }

    /// Takes a row out.
    pub fn remove(&mut self, key: M::Key) {
        if let Some(slot) = self.rows.slots.get_mut(&(self.site, key)) {
            slot.now = None;
        }
    }
}
