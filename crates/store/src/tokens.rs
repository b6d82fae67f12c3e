//! Bearer tokens: random, stored hashed, revocable, expiring. The token itself is never stored, logged or shown again.

use std::num::NonZeroUsize;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use rand::distr::{Alphanumeric, SampleString};
use rollbook_domain::account::{KeyScope, ShownFactor, SignInMethod};
use rollbook_domain::person::Person;
use rollbook_domain::world::{AnyLoaded, World};
use rollbook_domain::{Event, PersonId, SiteId, StreamType};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row as _};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use crate::apart::unbroken;
use crate::dedicated_connection::DedicatedConnection;
use crate::state_cache::StateCache;
use crate::{EventStore, Position, StoreError};

/// 43 characters of 62 are 256 bits.
const RANDOM_CHARACTERS: usize = 43;

/// Begins every token, so that one in the wrong place can be recognised.
const PREFIX: &str = "rb_";

/// How many tokens' people are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, strum::IntoStaticStr, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TokenKind {
    /// Printed by the command line.
    Issued,
    /// Made by signing in.
    Session,
    /// Made by its person for a program.
    ApiKey,
    /// Another system's word, which is kept nowhere here.
    External,
}

/// Who a token stands for.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The token's public id; none for another system's word.
    pub token_id: Option<Uuid>,
    /// What the token is.
    pub kind: TokenKind,
    /// Of a session, what it was begun with.
    pub method: Option<SignInMethod>,
    /// What was shown besides when it was made.
    pub second_factor: ShownFactor,
    /// When the token was made: of a session, when its person signed in. None for another system's word.
    pub created_at: Option<DateTime<Utc>>,
    /// What it may do; none is everything that its person may.
    pub scope: Option<Arc<KeyScope>>,
    /// The person.
    pub person: PersonId,
    /// The person as the log had them when the token was looked up: roles and activity without the delay of a read model.
    pub state: Arc<Person>,
    /// The position of the log when the token was looked up: what the reader's rights are read at.
    pub head: Position,
    /// The epoch of its person that the token is good in; it is looked up in no other.
    pub epoch: i64,
}

impl EventStore {
    /// Whom another system vouches for, as the log had them when that was looked at.
    pub async fn vouched_for(
        &self,
        person: PersonId,
        state: Arc<Person>,
        second_factor: ShownFactor,
    ) -> Result<Bearer, StoreError> {
        let head = self.head().await?;
        Ok(Bearer {
            token_id: None,
            kind: TokenKind::External,
            method: None,
            created_at: None,
            second_factor,
            scope: None,
            person,
            epoch: state.epochs.access,
            state,
            head,
        })
    }

    /// Makes a token for a person, valid for `ttl` from `now`. The only time the token can be seen.
    pub async fn issue_token(
        &self,
        site: SiteId,
        person: PersonId,
        now: DateTime<Utc>,
        ttl: TimeDelta,
    ) -> Result<String, StoreError> {
        let epoch = self.person(site, person).await?.state.epochs.access;
        let token = format!("{PREFIX}{}", secret());
        sqlx::query(
            "insert into tokens (token_hash, site_id, person_id, created_at, last_used_at, expires_at, epoch)
             values ($1, $2, $3, $4, $4, $5, $6)",
        )
        .bind(hash(&token))
        .bind(site.0)
        .bind(person.0)
        .bind(now)
        .bind(now + ttl)
        .bind(epoch)
        .execute(&self.pool)
        .await?;
        Ok(token)
    }

    /// Whom a token stands for at `now`; none if it is unknown, expired, revoked, of another site, of an epoch of its person that
    /// has ended, or a session that has rested for too long.
    ///
    /// That a session is used is written down behind the answer, once in [`COARSE`].
    ///
    /// Look-ups that come at the same time are one statement, which begins after each of them was asked: what was revoked
    /// before is found revoked. The same statement reads what is new of the person's events.
    pub async fn bearer(&self, site: SiteId, token: &str, now: DateTime<Utc>) -> Result<Option<Bearer>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let lookups = self.bearers.get_or_init(|| {
            let (sender, queue) = mpsc::channel(QUEUE);
            let (pool, kept, queue) = (self.every_site.clone(), self.kept.clone(), Arc::new(Mutex::new(queue)));
            tokio::spawn(unbroken("the look-up of tokens", move || look_up(pool.clone(), kept.clone(), queue.clone())));
            sender
        });
        let lookup = Lookup { site, hash: hash(token), now, reply };
        lookups.try_send(lookup).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Closed(_) => StoreError::Unavailable(sqlx::Error::WorkerCrashed),
        })?;
        answer.await.map_err(|_| StoreError::Unavailable(sqlx::Error::WorkerCrashed))?
    }

    /// Revokes a token; whether it was one that could still be used.
    pub async fn revoke_token(&self, site: SiteId, token: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "update tokens set revoked_at = $3 where token_hash = $1 and site_id = $2 and revoked_at is null
             and expires_at > $3",
        )
        .bind(hash(token))
        .bind(site.0)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Revokes all tokens of a person; how many could still be used.
    pub async fn revoke_tokens_of(
        &self,
        site: SiteId,
        person: PersonId,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "update tokens set revoked_at = $3 where person_id = $1 and site_id = $2 and revoked_at is null
             and expires_at > $3",
        )
        .bind(person.0)
        .bind(site.0)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }
}

/// A new token.
pub(crate) fn new_token() -> SecretString {
    format!("{PREFIX}{}", secret()).into()
}

/// Something that nobody guesses, of letters and digits.
pub(crate) fn secret() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), RANDOM_CHARACTERS)
}

/// How many look-ups may wait.
const QUEUE: usize = 1_024;
/// How exactly it is known when a session was used last: using one is not a write of its row each time.
const COARSE: TimeDelta = TimeDelta::minutes(5);
/// The most look-ups of one statement.
const BATCH: usize = 256;

/// A question whom a token stands for.
pub(crate) struct Lookup {
    site: SiteId,
    hash: Vec<u8>,
    now: DateTime<Utc>,
    reply: oneshot::Sender<Result<Option<Bearer>, StoreError>>,
}

/// Answers look-ups until nobody can ask any more.
async fn look_up(pool: PgPool, kept: Arc<StateCache>, queue: Arc<Mutex<mpsc::Receiver<Lookup>>>) {
    // Only one of them lives at a time.
    let mut queue = queue.lock().await;
    let mut link = DedicatedConnection::new(&pool, &[]);
    // Whom tokens stand for never changes; what is kept of the person says which events are new.
    let mut people: LruCache<Vec<u8>, PersonId> = LruCache::new(REMEMBERED);
    let mut lookups = Vec::new();
    while queue.recv_many(&mut lookups, BATCH).await > 0 {
        let known: Vec<AnyLoaded> = lookups
            .iter()
            .map(|lookup| {
                let person = people.get(&lookup.hash).copied();
                person
                    .and_then(|person| kept.get(lookup.site, person.into()))
                    .unwrap_or_else(|| AnyLoaded::empty(StreamType::Person))
            })
            .collect();
        match read(&mut link, &lookups, &known).await.and_then(|rows| bearers(&rows, known)) {
            Ok(found) => {
                let mut used = Vec::new();
                for (lookup, found) in lookups.drain(..).zip(found) {
                    let bearer = found.and_then(|Found { bearer, loaded, last_used_at }| {
                        people.put(lookup.hash.clone(), bearer.person);
                        kept.put(lookup.site, bearer.person.into(), &loaded);
                        let rested = lookup.now - last_used_at;
                        let session = bearer.kind == TokenKind::Session;
                        if session && rested >= bearer.state.idle_limit() {
                            return None;
                        }
                        if session && rested >= COARSE {
                            used.push((lookup.hash, lookup.now));
                        }
                        Some(bearer)
                    });
                    // Whoever has gone away needs no answer.
                    drop(lookup.reply.send(Ok(bearer)));
                }
                if let Err(error) = write_used(&mut link, used).await {
                    tracing::warn!(%error, "it was not written down that sessions are used");
                }
            }
            Err(error) => {
                for (lookup, error) in lookups.drain(..).zip(error.for_everybody()) {
                    drop(lookup.reply.send(Err(error)));
                }
            }
        }
    }
    link.close().await;
}

async fn read(
    link: &mut DedicatedConnection,
    lookups: &[Lookup],
    known: &[AnyLoaded],
) -> Result<Vec<PgRow>, StoreError> {
    let hashes: Vec<&[u8]> = lookups.iter().map(|lookup| lookup.hash.as_slice()).collect();
    let sites: Vec<Uuid> = lookups.iter().map(|lookup| lookup.site.0).collect();
    let instants: Vec<_> = lookups.iter().map(|lookup| lookup.now).collect();
    let after: Vec<i64> = known.iter().map(AnyLoaded::version).collect();
    let sql = "select w.n, t.person_id, t.id, t.kind, t.method, t.second_factor, t.scope, t.epoch, t.created_at, t.last_used_at,
            (select coalesce(max(position), 0) from events) as head,
            e.sequence, e.event_type, e.event_version, e.payload::text
        from unnest($1::bytea[], $2::uuid[], $3::timestamptz[], $4::bigint[]) with ordinality as w(hash, site, now, after, n)
        cross join lateral (select * from tokens t where t.token_hash = w.hash offset 0) t
        left join lateral (
            select * from events e
            where e.aggregate_type = 'person' and e.aggregate_id = t.person_id::text and e.sequence > w.after
                and e.site_id = t.site_id
            offset 0
        ) e on true
        where t.site_id = w.site and t.expires_at > w.now and t.revoked_at is null
        order by w.n, e.sequence";
    link.rows(|| sqlx::query(sql).bind(&hashes).bind(&sites).bind(&instants).bind(&after)).await
}

/// Writes down that sessions were used, unless another process has done so. Whoever holds one for something else is not waited for: it is
/// written down the next time.
async fn write_used(link: &mut DedicatedConnection, used: Vec<(Vec<u8>, DateTime<Utc>)>) -> Result<(), StoreError> {
    if used.is_empty() {
        return Ok(());
    }
    let (hashes, instants): (Vec<_>, Vec<_>) = used.into_iter().unzip();
    let before: Vec<_> = instants.iter().map(|now| *now - COARSE).collect();
    let sql = "with free as (
            select t.token_hash, u.now from unnest($1::bytea[], $2::timestamptz[], $3::timestamptz[]) as u(hash, now, before)
            cross join lateral (
                select * from tokens t where t.token_hash = u.hash and t.last_used_at <= u.before for no key update skip locked
            ) t
        )
        update tokens t set last_used_at = free.now from free where t.token_hash = free.token_hash";
    link.rows(|| sqlx::query(sql).bind(&hashes).bind(&instants).bind(&before)).await.map(drop)
}

/// A token's row, before its person's events are known: whom it stands for, and when it was used last.
type Row = (Bearer, DateTime<Utc>);

/// What a look-up has found.
struct Found {
    bearer: Bearer,
    /// The person's stream, to be kept.
    loaded: AnyLoaded,
    last_used_at: DateTime<Utc>,
}

/// The answers to as many questions as there is `known`, in their order.
fn bearers(rows: &[PgRow], known: Vec<AnyLoaded>) -> Result<Vec<Option<Found>>, StoreError> {
    let mut found: Vec<(_, Option<Row>)> = known.into_iter().map(|loaded| (loaded, None)).collect();
    for row in rows {
        let n = usize::try_from(row.try_get::<i64, _>("n")?).unwrap_or_default();
        let missing = || StoreError::Corrupt("an answer to no question".to_owned());
        let (loaded, bearer) = n.checked_sub(1).and_then(|n| found.get_mut(n)).ok_or_else(missing)?;
        if bearer.is_none() {
            let unknown = |_| StoreError::Corrupt("a token of a kind that is not known".to_owned());
            let scope: Option<Json<KeyScope>> = row.try_get("scope")?;
            let method: Option<&str> = row.try_get("method")?;
            let last_used_at = row.try_get("last_used_at")?;
            let of_row = Bearer {
                token_id: Some(row.try_get("id")?),
                kind: row.try_get::<&str, _>("kind")?.parse().map_err(unknown)?,
                method: method.map(str::parse).transpose().map_err(unknown)?,
                second_factor: shown(row.try_get("second_factor")?)?,
                created_at: Some(row.try_get("created_at")?),
                scope: scope.map(|Json(scope)| Arc::new(scope)),
                person: PersonId(row.try_get("person_id")?),
                state: Arc::default(),
                head: row.try_get("head")?,
                epoch: row.try_get("epoch")?,
            };
            *bearer = Some((of_row, last_used_at));
        }
        let Some(sequence) = row.try_get("sequence")? else { continue };
        let (event_type, version) = (row.try_get("event_type")?, row.try_get("event_version")?);
        let event = Event::decode(StreamType::Person, event_type, version, row.try_get("payload")?)?;
        loaded.apply(&event, sequence);
    }
    Ok(found
        .into_iter()
        .map(|(loaded, bearer)| {
            let (bearer, last_used_at) = bearer?;
            let mut world = World::default();
            world.put(bearer.person.into(), loaded.clone());
            let state = world.person(bearer.person).state;
            // Something has ended it since.
            let good = bearer.epoch == state.epochs.access;
            good.then_some(Found { bearer: Bearer { state, ..bearer }, loaded, last_used_at })
        })
        .collect())
}

/// What a row says that was shown besides: none is nothing.
pub(crate) fn shown(second_factor: Option<&str>) -> Result<ShownFactor, StoreError> {
    let unknown = |_| StoreError::Corrupt("a second factor of a kind that is not known".to_owned());
    second_factor.map_or(Ok(ShownFactor::Nothing), str::parse).map_err(unknown)
}

/// A token has 256 random bits, so a fast hash without salt is enough: there is nothing to guess.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
