//! What a read model is: a pure fold from events to rows by key. It does no I/O, reads no clock and decides nothing.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use foldhash::fast::RandomState;
use rollbook_domain::{SiteId, StreamType};
use rollbook_store::Recorded;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A read model: the shape of its table, and the fold that fills it. The table's `site_id` is the engine's business, so
/// that no fold can read or write a row of another site.
///
/// **Every row belongs to one stream**: an event touches rows of its own stream and no others. So the log can be taken
/// apart by streams and its parts folded side by side. The key begins with the id of the stream, unless the rows are written
/// once. What is made of several streams is joined by queries.
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

    /// The types of stream that its rows belong to. It folds nothing else, and is not given anything else.
    const STREAMS: &'static [StreamType];
    /// Whether no event touches a row but the one that made it, whose position is the key: a rebuild need not keep them.
    const APPEND_ONLY: bool = false;

    /// Whether the fold looks at who did it, `actor` and `authority` of the event; a rebuild gives it none otherwise.
    const NEEDS_ACTOR: bool = false;

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
    slots: HashMap<(SiteId, M::Key), Slot<M::Row>, RandomState>,
}

#[derive(Debug)]
struct Slot<R> {
    /// Boxed, because rows that were not loaded have none, and a rebuild has many of those.
    stored: Option<Box<R>>,
    now: Option<R>,
}

/// A row's site and key, and what is kept of it.
type Kept<'r, M> = (&'r (SiteId, <M as ReadModel>::Key), &'r Slot<<M as ReadModel>::Row>);

impl<R> Default for Slot<R> {
    fn default() -> Self {
        Self { stored: None, now: None }
    }
}

impl<M: ReadModel> Default for Rows<M> {
    fn default() -> Self {
        Self { slots: HashMap::default() }
    }
}

impl<M: ReadModel> Rows<M> {
    /// Puts a row in as it is stored.
    pub fn load(&mut self, site: SiteId, row: M::Row) {
        let key = M::key(&row);
        self.slots.insert((site, key), Slot { stored: Some(Box::new(row.clone())), now: Some(row) });
    }

    /// Folds events into the rows, in order.
    pub fn fold(&mut self, events: &[Recorded]) {
        for event in events {
            M::fold(event, &mut SiteRows { site: event.site, rows: self });
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
        self.sorted().into_iter().filter_map(|((site, _), slot)| Some((*site, slot.now.as_ref()?)))
    }

    /// The rows that differ from what is stored: none is a row to delete.
    pub fn changes(&self) -> impl Iterator<Item = (SiteId, &M::Key, Option<&M::Row>)> {
        let changed = self.sorted().into_iter().filter(|(_, slot)| slot.stored.as_deref() != slot.now.as_ref());
        changed.map(|((site, key), slot)| (*site, key, slot.now.as_ref()))
    }

    /// How many rows there are now.
    pub fn len(&self) -> usize {
        self.slots.values().filter(|slot| slot.now.is_some()).count()
    }

    /// Whether there is none now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes all rows out, in the order of site and key.
    pub fn drain(&mut self) -> impl Iterator<Item = (SiteId, M::Row)> {
        let mut keys: Vec<_> = self.slots.keys().cloned().collect();
        keys.sort_unstable();
        let mut slots = std::mem::take(&mut self.slots);
        keys.into_iter().filter_map(move |key| Some((key.0, slots.remove(&key)?.now?)))
    }

    fn sorted(&self) -> Vec<Kept<'_, M>> {
        let mut slots: Vec<_> = self.slots.iter().collect();
        slots.sort_unstable_by_key(|(key, _)| *key);
        slots
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
