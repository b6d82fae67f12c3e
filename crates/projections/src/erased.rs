//! Read models without their types, so that the engine holds all of them in one list. Still pure: rows come in and go out
//! as JSON, and the engine decides from where and to where.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::marker::PhantomData;

use rollbook_domain::{SiteId, StreamType};
use rollbook_store::Recorded;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::binary::{self, Columns};
use crate::hot::{Hot, HotTable};
use crate::model::{ReadModel, Rows};
use crate::models::{
    absence_flags::AbsenceFlags, account_notices::AccountNotices, audit_trail::AuditTrail, cohorts::Cohorts,
    emails::EmailRetries, emails::Emails, hubs::Hubs, marking_queue::MarkingQueue, modules::Modules, people::People,
    reflections::Reflections, roster::Roster, site_settings::SiteSettings, sites::Sites, syllabus::Syllabi,
};

/// A row or a key as the database takes it: a field for each column.
pub type Object = Map<String, Value>;

/// The constants of a read model.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// See [`ReadModel::NAME`].
    pub name: &'static str,
    /// See [`ReadModel::VERSION`].
    pub version: i32,
    /// See [`ReadModel::TABLE`].
    pub table: &'static str,
    /// See [`ReadModel::KEY`].
    pub key: &'static [&'static str],
    /// See [`ReadModel::COLUMNS`].
    pub columns: &'static [&'static str],
    /// See [`ReadModel::STREAMS`].
    pub streams: &'static [StreamType],
    /// See [`ReadModel::APPEND_ONLY`].
    pub written_once: bool,
    /// See [`ReadModel::NEEDS_ACTOR`].
    pub actors: bool,
}

impl Shape {
    /// The constants of a model.
    pub fn of<M: ReadModel>() -> Self {
        Self {
            name: M::NAME,
            version: M::VERSION,
            table: M::TABLE,
            key: M::KEY,
            columns: M::COLUMNS,
            streams: M::STREAMS,
            written_once: M::APPEND_ONLY,
            actors: M::NEEDS_ACTOR,
        }
    }
}

/// A stored row: the site, and the row as JSON text.
pub type Stored = (Uuid, String);

/// What a batch of events did to the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Rows that are new or different.
    pub upserts: Vec<Object>,
    /// The keys of rows that are gone.
    pub deletes: Vec<Object>,
}

/// A read model without its types.
pub trait AnyModel: Debug + Send + Sync {
    /// Its constants.
    fn shape(&self) -> Shape;

    /// The keys of the rows that events touch, each once.
    fn touched(&self, events: &[Recorded]) -> Result<Vec<Object>, serde_json::Error>;

    /// Folds events, in order, into the rows that they touch.
    fn fold(&self, stored: &[Stored], events: &[Recorded]) -> Result<Changes, serde_json::Error>;

    /// The part of the table that the live engine has in memory: nothing yet.
    fn hot(&self) -> Box<dyn HotTable>;

    /// An empty table in memory.
    fn memory(&self) -> Box<dyn Memory>;
}

/// The rows of a table in memory, one by one.
pub type MemoryRows<'m> = Box<dyn Iterator<Item = Result<Object, serde_json::Error>> + Send + 'm>;

/// A read model's table in memory.
pub trait Memory: Send {
    /// Folds events, in order.
    fn fold(&mut self, events: &[Recorded]);

    /// Every row, in the order of its key.
    fn rows(&self) -> MemoryRows<'_>;

    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes every row out, in the order of its key, as binary COPY takes it: piece by piece, whole rows in each. The
    /// number of rows that were taken; fewer than there are where `take` says that it takes no more.
    fn drain(&mut self, columns: &Columns, take: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<u64, serde_json::Error>;
}

/// How large a piece of a table on its way to the database is at least, in bytes, unless it is the last.
const PIECE_BYTES: usize = 128 << 10;

/// The one implementation of [`AnyModel`].
pub struct Erased<M>(PhantomData<fn() -> M>);

impl<M: ReadModel> Debug for Erased<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(M::NAME)
    }
}

impl<M> Erased<M> {
    /// The model without its types.
    pub const NEW: Self = Self(PhantomData);
}

/// Every read model there is.
pub static MODELS: &[&dyn AnyModel] = &[
    &Erased::<People>::NEW,
    &Erased::<Modules>::NEW,
    &Erased::<Cohorts>::NEW,
    &Erased::<Hubs>::NEW,
    &Erased::<Roster>::NEW,
    &Erased::<Syllabi>::NEW,
    &Erased::<AbsenceFlags>::NEW,
    &Erased::<MarkingQueue>::NEW,
    &Erased::<Reflections>::NEW,
    &Erased::<Emails>::NEW,
    &Erased::<EmailRetries>::NEW,
    &Erased::<AccountNotices>::NEW,
    &Erased::<AuditTrail>::NEW,
    &Erased::<Sites>::NEW,
    &Erased::<SiteSettings>::NEW,
];

impl<M: ReadModel> AnyModel for Erased<M> {
    fn shape(&self) -> Shape {
        Shape::of::<M>()
    }

    fn touched(&self, events: &[Recorded]) -> Result<Vec<Object>, serde_json::Error> {
        let keys: BTreeSet<(SiteId, M::Key)> =
            events.iter().flat_map(|event| M::touches(event).into_iter().map(|key| (event.site, key))).collect();
        keys.iter().map(|(site, key)| key_object::<M>(*site, key)).collect()
    }

    fn fold(&self, stored: &[Stored], events: &[Recorded]) -> Result<Changes, serde_json::Error> {
        let mut rows = Rows::<M>::default();
        for (site, row) in stored {
            rows.load(SiteId(*site), serde_json::from_str(row)?);
        }
        rows.fold(events);
        let mut changes = Changes::default();
        for (site, key, row) in rows.changes() {
            match row {
                Some(row) => changes.upserts.push(row_object(site, row)?),
                None => changes.deletes.push(key_object::<M>(site, key)?),
            }
        }
        Ok(changes)
    }

    fn hot(&self) -> Box<dyn HotTable> {
        Box::new(Hot::<M>::default())
    }

    fn memory(&self) -> Box<dyn Memory> {
        Box::new(Rows::<M>::default())
    }
}

impl<M: ReadModel> Memory for Rows<M> {
    fn fold(&mut self, events: &[Recorded]) {
        Rows::fold(self, events);
    }

    fn rows(&self) -> MemoryRows<'_> {
        Box::new(self.iter().map(|(site, row)| row_object(site, row)))
    }

    fn len(&self) -> usize {
        Rows::len(self)
    }

    fn drain(&mut self, columns: &Columns, take: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<u64, serde_json::Error> {
        let (mut piece, mut count) = (Vec::new(), 0);
        for (site, row) in Rows::drain(self) {
            binary::append(columns, site, &row, &mut piece)?;
            count += 1;
            if piece.len() >= PIECE_BYTES && !take(std::mem::take(&mut piece)) {
                return Ok(count);
            }
        }
        if !piece.is_empty() {
            take(piece);
        }
        Ok(count)
    }
}

pub(crate) fn key_object<M: ReadModel>(site: SiteId, key: &M::Key) -> Result<Object, serde_json::Error> {
    let values = match serde_json::to_value(key)? {
        Value::Array(values) => values,
        value => vec![value],
    };
    let mut object: Object = M::KEY.iter().map(|column| (*column).to_owned()).zip(values).collect();
    object.insert("site_id".to_owned(), serde_json::to_value(site)?);
    Ok(object)
}

fn row_object<R: Serialize>(site: SiteId, row: &R) -> Result<Object, serde_json::Error> {
    match serde_json::to_value(row)? {
        Value::Object(mut object) => {
            object.insert("site_id".to_owned(), serde_json::to_value(site)?);
            Ok(object)
        }
        _ => Err(serde::ser::Error::custom("a row is an object")),
    }
}
