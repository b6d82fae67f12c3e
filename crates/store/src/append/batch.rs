//! One batch: requests that concern different things, as the columns that the SQL function `append_events` takes. What is
//! checked, and in which order, is in that function; this file only speaks its language.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use rollbook_domain::{SiteId, StreamId};
use serde::Deserialize;
use sqlx::Row as _;
use uuid::Uuid;

use super::StoredReceipt;
use super::prepared::{Key, Prepared};
use crate::dedicated_connection::{DedicatedConnection, PgQuery};
use crate::{CommandKey, Position, StoreError};

/// What requests of one batch may not share in a site: a stream that one of them writes, a claim, a set, an idempotency
/// key.
#[derive(Default)]
pub(super) struct Concerns(HashMap<SiteId, SiteConcerns>);

#[derive(Default)]
struct SiteConcerns {
    read: HashSet<StreamId>,
    written: HashSet<StreamId>,
    keys: HashSet<Key>,
    sets: Vec<Key>,
    commands: HashSet<CommandKey>,
}

impl Concerns {
    /// Whether a request concerns nothing that is in here already. It is in here from now on, also where it has to wait: what
    /// concerns the same as one that waits must not overtake it.
    pub fn admit(&mut self, request: &Prepared) -> bool {
        self.0.entry(request.site).or_default().admit(request)
    }
}

impl SiteConcerns {
    fn admit(&mut self, request: &Prepared) -> bool {
        let written = || request.events.iter().map(|event| event.recorded.stream);
        let keys = || request.releases.iter().chain(request.takes.iter().map(|(key, _)| key));
        let sets = || request.limits.iter().map(|(set, ..)| set);
        let apart = !self.commands.contains(&request.key)
            && !written().any(|stream| self.written.contains(&stream) || self.read.contains(&stream))
            && !request.versions.iter().any(|(stream, _)| self.written.contains(stream))
            && !keys().any(|key| self.keys.contains(key) || self.sets.iter().any(|set| has(set, key)))
            && !sets().any(|set| self.keys.iter().any(|key| has(set, key)));
        self.commands.insert(request.key);
        self.written.extend(written());
        self.read.extend(request.versions.iter().map(|(stream, _)| *stream));
        self.keys.extend(keys().cloned());
        self.sets.extend(sets().cloned());
        apart
    }
}

fn has(set: &Key, key: &Key) -> bool {
    set.kind == key.kind && key.key.starts_with(&set.key)
}

/// What became of the requests of a batch.
pub(super) struct Outcome {
    /// The log's last position before the batch.
    pub head: Position,
    /// What was refused, by the request's place in the batch.
    pub refused: HashMap<usize, Refused>,
}

/// Why a request was not appended.
#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Refused {
    Duplicate { receipt: StoredReceipt },
    KeyReused,
    Stale { what: String },
    Claimed { what: String },
    LimitExceeded { what: String },
}

#[derive(Deserialize)]
struct RefusedRow {
    request: usize,
    #[serde(flatten)]
    refused: Refused,
}

/// Declares the rows that a batch is made of. From these come the columns, and the call that passes each to the parameter
/// of its name: no two can be swapped.
macro_rules! columns {
    ($(
        $(#[$doc:meta])*
        $row:ident $(<$life:lifetime>)? { $($field:ident: $type:ty => $column:ident $(as $cast:literal)?),+ $(,)? }
    )+) => {
        $(
            $(#[$doc])*
            struct $row $(<$life>)? { $($field: $type),+ }

            impl<'r> Row<'r> for $row $(<$life>)? {
                fn push(self, columns: &mut Columns<'r>) {
                    $(columns.$column.push(self.$field);)+
                }
            }
        )+

        #[derive(Default)]
        struct Columns<'r> { $($($column: Vec<$type>),+),+ }

        impl Columns<'_> {
            /// The call of `append_events`.
            fn bound(&self, announce: bool) -> PgQuery<'_> {
                sqlx::query(&APPEND).bind(announce)$($(.bind(&self.$column))+)+
            }
        }

        static APPEND: LazyLock<String> = LazyLock::new(|| {
            let columns = [$($(concat!(stringify!($column), " => $#" $(, $cast)?)),+),+];
            let columns = (2..).zip(columns).map(|(n, column)| column.replace('#', &n.to_string()));
            let arguments: Vec<_> = std::iter::once("announce => $1".to_owned()).chain(columns).collect();
            format!("select head, refused::text from append_events({})", arguments.join(", "))
        });
    };
}

/// One of what a batch has many of.
trait Row<'r> {
    fn push(self, columns: &mut Columns<'r>);
}

columns! {
    /// A request; its number is its place, from 1.
    RequestRow<'r> {
        site: Uuid => sites,
        issuer: &'static str => issuers,
        command_id: Uuid => command_ids,
        hash: &'r [u8] => hashes,
        instant: DateTime<Utc> => instants,
        metadata: &'r str => metadata as "::text[]::json[]",
        count: i32 => counts,
        streams: &'r str => streams as "::text[]::json[]",
        lists: &'r str => lists as "::text[]::json[]",
    }
    /// A stream at a version that requests rely on; once, however many they are.
    Relied {
        site: Uuid => relied_sites,
        kind: &'static str => relied_kinds,
        id: String => relied_ids,
        version: i64 => relied_versions,
    }
    /// That a request relies on the stream at a place of those, from 1.
    Reliance {
        request: i32 => reliance_requests,
        place: i32 => reliance_places,
    }
    /// An event, in their order.
    EventRow<'r> {
        request: i32 => event_requests,
        kind: &'static str => event_kinds,
        id: String => event_ids,
        sequence: i64 => event_sequences,
        type_name: &'static str => event_types,
        version: &'static str => event_versions,
        payload: &'r str => event_payloads as "::text[]::json[]",
    }
    /// A claim to release.
    Release<'r> {
        request: i32 => release_requests,
        kind: &'static str => release_kinds,
        key: &'r str => release_keys,
    }
    /// A claim to take.
    Take<'r> {
        request: i32 => take_requests,
        kind: &'static str => take_kinds,
        key: &'r str => take_keys,
        owner: Uuid => take_owners,
    }
    /// How many claims a set may hold.
    Limit<'r> {
        request: i32 => limit_requests,
        kind: &'static str => limit_kinds,
        prefix: &'r str => limit_prefixes,
        at_least: i64 => limit_at_least,
        at_most: i64 => limit_at_most,
    }
}

impl<'r> Columns<'r> {
    fn of(requests: &'r [&Prepared]) -> Self {
        let mut columns = Self::default();
        let mut relied_on = HashMap::new();
        for (n, request) in (1..).zip(requests) {
            columns.add(n, request, &mut relied_on);
        }
        columns
    }

    fn add(&mut self, n: i32, request: &'r Prepared, relied_on: &mut HashMap<(SiteId, StreamId, i64), i32>) {
        self.push(RequestRow {
            site: request.site.0,
            issuer: request.key.issuer.into(),
            command_id: request.key.id.0,
            hash: &request.hash,
            instant: request.at,
            metadata: &request.metadata,
            count: i32::try_from(request.events.len()).unwrap_or(i32::MAX),
            streams: &request.streams,
            lists: &request.lists,
        });
        for (stream, version) in &request.versions {
            let place = *relied_on.entry((request.site, *stream, *version)).or_insert_with(|| {
                let (kind, id) = (stream.kind.as_str(), stream.id.to_string());
                self.push(Relied { site: request.site.0, kind, id, version: *version });
                i32::try_from(self.relied_kinds.len()).unwrap_or(i32::MAX)
            });
            self.push(Reliance { request: n, place });
        }
        for event in &request.events {
            self.push(EventRow {
                request: n,
                kind: event.recorded.stream.kind.as_str(),
                id: event.recorded.stream.id.to_string(),
                sequence: event.recorded.sequence,
                type_name: event.recorded.event.type_name(),
                version: event.recorded.event.version(),
                payload: &event.payload,
            });
        }
        for Key { kind, key } in &request.releases {
            self.push(Release { request: n, kind, key });
        }
        for (Key { kind, key }, owner) in &request.takes {
            self.push(Take { request: n, kind, key, owner: *owner });
        }
        for (Key { kind, key: prefix }, at_least, at_most) in &request.limits {
            self.push(Limit { request: n, kind, prefix, at_least: *at_least, at_most: *at_most });
        }
    }

    fn push(&mut self, row: impl Row<'r>) {
        row.push(self);
    }
}

/// Appends a batch in one statement. `announce`: whether other processes are to be told.
pub(super) async fn append(
    link: &mut DedicatedConnection,
    requests: &[&Prepared],
    announce: bool,
) -> Result<Outcome, StoreError> {
    let columns = Columns::of(requests);
    let rows = link.rows(|| columns.bound(announce)).await?;
    let row = rows.first().ok_or_else(|| StoreError::Corrupt("no answer to an append".to_owned()))?;
    let refusals: Vec<RefusedRow> = match row.try_get::<Option<&str>, _>("refused")? {
        Some(text) => serde_json::from_str(text)?,
        None => Vec::new(),
    };
    let mut refused = HashMap::new();
    for RefusedRow { request, refused: why } in refusals {
        refused.entry(request - 1).or_insert(why);
    }
    Ok(Outcome { head: row.try_get("head")?, refused })
}

/// An error of the data and not of the database's being away.
pub(super) fn of_the_data(error: &StoreError) -> bool {
    matches!(error, StoreError::Database(_))
}
