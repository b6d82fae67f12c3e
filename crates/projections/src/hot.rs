//! The rows that a model's last batches left behind, so that the next ones need not read them again. It does no I/O and
//! decides nothing: whoever writes its changes says whether they came to count, and whether the rows are still true.

use std::collections::{BTreeSet, HashMap};

use rollbook_domain::SiteId;
use rollbook_store::Recorded;

use crate::binary::{Arrays, Columns};
use crate::erased::{Object, Shape, Stored, key_object};
use crate::model::{ReadModel, Rows};

/// How many rows of a model are kept; beyond that it begins anew. A roster's row has some two kilobytes.
const KEPT_ROWS: usize = 10_000;

/// The part of a table that is in memory.
pub trait HotTable: Send + Sync {
    /// Its constants.
    fn shape(&self) -> Shape;

    /// The keys of the rows that events touch and that are not in memory. They are taken for missing until
    /// [`HotTable::learn`] says otherwise.
    fn unknown(&mut self, events: &[Recorded]) -> Result<Vec<Object>, serde_json::Error>;

    /// Takes rows as they are stored.
    fn learn(&mut self, stored: &[Stored]) -> Result<(), serde_json::Error>;

    /// Folds events, in order, into rows that are all in memory, of a table with these columns. What changes is not kept before
    /// [`HotTable::keep`].
    fn fold(&mut self, events: &[Recorded], columns: &Columns) -> Result<Written, serde_json::Error>;

    /// The changes of the last fold are in the database.
    fn keep(&mut self);

    /// What is in memory may not be what is in the database.
    fn forget(&mut self);
}

/// What a fold changed; none where there is nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// Rows that are new or different.
    pub upserts: Option<Arrays>,
    /// The keys of rows that are gone, as a JSON list.
    pub deletes: Option<String>,
}

/// The one implementation of [`HotTable`]: a row that is known to be missing is none.
pub(crate) struct Hot<M: ReadModel> {
    rows: HashMap<(SiteId, M::Key), Option<M::Row>>,
    changed: Vec<CachedRow<M>>,
}

/// A row by site and key, or that there is none.
type CachedRow<M> = ((SiteId, <M as ReadModel>::Key), Option<<M as ReadModel>::Row>);

impl<M: ReadModel> Default for Hot<M> {
    fn default() -> Self {
        Self { rows: HashMap::new(), changed: Vec::new() }
    }
}

impl<M: ReadModel> Hot<M> {
    fn touched(events: &[Recorded]) -> BTreeSet<(SiteId, M::Key)> {
        events.iter().flat_map(|event| M::touches(event).into_iter().map(|key| (event.site, key))).collect()
    }
}

impl<M: ReadModel> HotTable for Hot<M> {
    fn shape(&self) -> Shape {
        Shape::of::<M>()
    }

    fn unknown(&mut self, events: &[Recorded]) -> Result<Vec<Object>, serde_json::Error> {
        if M::APPEND_ONLY {
            return Ok(Vec::new());
        }
        if self.rows.len() > KEPT_ROWS {
            self.rows.clear();
        }
        let mut unknown = Vec::new();
        for (site, key) in Self::touched(events) {
            if !self.rows.contains_key(&(site, key.clone())) {
                unknown.push(key_object::<M>(site, &key)?);
                self.rows.insert((site, key), None);
            }
        }
        Ok(unknown)
    }

    fn learn(&mut self, stored: &[Stored]) -> Result<(), serde_json::Error> {
        for (site, text) in stored {
            let row: M::Row = serde_json::from_str(text)?;
            self.rows.insert((SiteId(*site), M::key(&row)), Some(row));
        }
        Ok(())
    }

    fn fold(&mut self, events: &[Recorded], columns: &Columns) -> Result<Written, serde_json::Error> {
        let mut rows = Rows::<M>::default();
        if !M::APPEND_ONLY {
            for key in Self::touched(events) {
                if let Some(Some(row)) = self.rows.get(&key) {
                    rows.load(key.0, row.clone());
                }
            }
        }
        rows.fold(events);
        let (mut upserts, mut deletes) = (Arrays::new(columns), Vec::new());
        self.changed.clear();
        for (site, key, row) in rows.changes() {
            match row {
                Some(row) => upserts.push(site, row)?,
                None => deletes.push(key_object::<M>(site, key)?),
            }
            if !M::APPEND_ONLY {
                self.changed.push(((site, key.clone()), row.cloned()));
            }
        }
        let upserts = (!upserts.is_empty()).then_some(upserts);
        let deletes = (!deletes.is_empty()).then(|| serde_json::to_string(&deletes)).transpose()?;
        Ok(Written { upserts, deletes })
    }

    fn keep(&mut self) {
        self.rows.extend(self.changed.drain(..));
    }

    fn forget(&mut self) {
        self.rows.clear();
        self.changed.clear();
    }
}
