//! One batch: requests that concern different things, as the columns that the SQL function `append_events` takes. What is
//! checked, and in which order, is in that function; this file only speaks its language.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use rollbook_domain::{SiteId, StreamId};
use serde::Deserialize;
use sqlx::Row;
use uuid::Uuid;

use super::StoredReceipt;
use super::prepared::{Key, Prepared};
use crate::link::{Link, PgQuery};
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

/// The columns, in the order of the function's parameters.
#[derive(Default)]
struct Columns<'r> {
    sites: Vec<Uuid>,
    issuers: Vec<&'static str>,
    command_ids: Vec<Uuid>,
    hashes: Vec<&'r [u8]>,
    instants: Vec<DateTime<Utc>>,
    metadata: Vec<&'r str>,
    counts: Vec<i32>,
    streams: Vec<&'r str>,
    lists: Vec<&'r str>,
    x_site: Vec<Uuid>,
    x_kind: Vec<&'static str>,
    x_id: Vec<String>,
    x_version: Vec<i64>,
    u_request: Vec<i32>,
    u_x: Vec<i32>,
    e_request: Vec<i32>,
    e_kind: Vec<&'static str>,
    e_id: Vec<String>,
    e_sequence: Vec<i64>,
    e_type: Vec<&'static str>,
    e_version: Vec<&'static str>,
    e_payload: Vec<&'r str>,
    r_request: Vec<i32>,
    r_kind: Vec<&'static str>,
    r_key: Vec<&'r str>,
    t_request: Vec<i32>,
    t_kind: Vec<&'static str>,
    t_key: Vec<&'r str>,
    t_owner: Vec<Uuid>,
    l_request: Vec<i32>,
    l_kind: Vec<&'static str>,
    l_prefix: Vec<&'r str>,
    l_at_least: Vec<i64>,
    l_at_most: Vec<i64>,
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

    fn bound(&self, announce: bool) -> PgQuery<'_> {
        sqlx::query(APPEND)
            .bind(&self.sites)
            .bind(&self.issuers)
            .bind(&self.command_ids)
            .bind(&self.hashes)
            .bind(&self.instants)
            .bind(&self.metadata)
            .bind(&self.counts)
            .bind(&self.streams)
            .bind(&self.lists)
            .bind(&self.x_site)
            .bind(&self.x_kind)
            .bind(&self.x_id)
            .bind(&self.x_version)
            .bind(&self.u_request)
            .bind(&self.u_x)
            .bind(&self.e_request)
            .bind(&self.e_kind)
            .bind(&self.e_id)
            .bind(&self.e_sequence)
            .bind(&self.e_type)
            .bind(&self.e_version)
            .bind(&self.e_payload)
            .bind(&self.r_request)
            .bind(&self.r_kind)
            .bind(&self.r_key)
            .bind(&self.t_request)
            .bind(&self.t_kind)
            .bind(&self.t_key)
            .bind(&self.t_owner)
            .bind(&self.l_request)
            .bind(&self.l_kind)
            .bind(&self.l_prefix)
            .bind(&self.l_at_least)
            .bind(&self.l_at_most)
            .bind(announce)
    }

    fn add(&mut self, n: i32, request: &'r Prepared, relied_on: &mut HashMap<(SiteId, StreamId, i64), i32>) {
        self.sites.push(request.site.0);
        self.issuers.push(request.key.issuer.into());
        self.command_ids.push(request.key.id.0);
        self.hashes.push(&request.hash);
        self.instants.push(request.at);
        self.metadata.push(&request.metadata);
        self.counts.push(i32::try_from(request.events.len()).unwrap_or(i32::MAX));
        self.streams.push(&request.streams);
        self.lists.push(&request.lists);
        for (stream, version) in &request.versions {
            let x = *relied_on.entry((request.site, *stream, *version)).or_insert_with(|| {
                self.x_site.push(request.site.0);
                self.x_kind.push(stream.kind.as_str());
                self.x_id.push(stream.id.to_string());
                self.x_version.push(*version);
                i32::try_from(self.x_kind.len()).unwrap_or(i32::MAX)
            });
            self.u_request.push(n);
            self.u_x.push(x);
        }
        for event in &request.events {
            self.e_request.push(n);
            self.e_kind.push(event.recorded.stream.kind.as_str());
            self.e_id.push(event.recorded.stream.id.to_string());
            self.e_sequence.push(event.recorded.sequence);
            self.e_type.push(event.recorded.event.type_name());
            self.e_version.push(event.recorded.event.version());
            self.e_payload.push(&event.payload);
        }
        for Key { kind, key } in &request.releases {
            self.r_request.push(n);
            self.r_kind.push(kind);
            self.r_key.push(key);
        }
        for (Key { kind, key }, owner) in &request.takes {
            self.t_request.push(n);
            self.t_kind.push(kind);
            self.t_key.push(key);
            self.t_owner.push(*owner);
        }
        for (Key { kind, key }, at_least, at_most) in &request.limits {
            self.l_request.push(n);
            self.l_kind.push(kind);
            self.l_prefix.push(key);
            self.l_at_least.push(*at_least);
            self.l_at_most.push(*at_most);
        }
    }
}

const APPEND: &str = "select head, refused::text from append_events(
    $1, $2, $3, $4, $5, $6::text[]::json[], $7, $8::text[]::json[], $9::text[]::json[], $10, $11, $12, $13, $14, $15,
    $16, $17, $18, $19, $20, $21, $22::text[]::json[], $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33,
    $34, $35)";

/// Appends a batch in one statement. `announce`: whether other processes are to be told.
pub(super) async fn append(link: &mut Link, requests: &[&Prepared], announce: bool) -> Result<Outcome, StoreError> {
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
