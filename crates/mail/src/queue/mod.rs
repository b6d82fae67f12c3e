//! The messages that wait, and the requests that are under way, in the database. Everything here goes over one connection, the
//! one that holds the lock: who has lost it can begin nothing.

mod candidates;

use chrono::{DateTime, Utc};
use rollbook_domain::{MessageId, SiteId};
use rollbook_projections::models::emails::{EmailStatus, MAX_AGE};
use rollbook_store::transaction::begin_alone;
use rollbook_store::{EventStore, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::MailError;

pub use candidates::{Candidate, MessageContext, NoticeContext, candidates, end, leave};

/// A request that was stored, and of which nobody knows yet what became.
#[derive(Debug, sqlx::FromRow)]
pub struct Stored {
    pub batch_id: Uuid,
    pub provider: String,
    pub payload: String,
    pub attempts: i32,
    pub began_at: DateTime<Utc>,
}

/// What becomes of a message of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Becomes {
    pub status: EmailStatus,
    pub detail: Option<String>,
    pub provider_id: Option<String>,
    /// When its turn comes again, if it waits.
    pub again: Option<DateTime<Utc>>,
    /// Whether it then goes alone.
    pub alone: bool,
}

impl Becomes {
    pub fn new(status: EmailStatus, detail: impl Into<Option<String>>) -> Self {
        Self { status, detail: detail.into(), provider_id: None, again: None, alone: false }
    }
}

/// What was asked for since an instant, and since its kind came to this installation, and nobody has taken up; and why it is
/// never sent, where that is so. Nothing happens to the account of somebody who has never come in: files correct many of those.
const NOT_TAKEN_UP: &str = "select q.* from (
        select e.site_id, e.message_id, e.requested_at as asked_at, null as why_not
        from emails e cross join email_installation i
        where e.requested_at > $1 and e.position > i.position
        union all
        select n.site_id, n.message_id, n.happened_at, case when not exists (
                select from events v where v.site_id = n.site_id and v.aggregate_type = 'account'
                    and v.aggregate_id = n.person_id::text and v.position <= n.position
                    and v.event_type in ('PasswordSet', 'SignedIn', 'IdentityLinked'))
            then 'the person has never signed in' end
        from account_notices n cross join email_installation i
        where n.happened_at > $1 and n.position > i.notices_position
    ) q
    where not exists (select from email_deliveries d where d.site_id = q.site_id and d.message_id = q.message_id)";

/// Takes up what was asked for since, and what somebody wants sent again.
pub async fn take_up(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), MailError> {
    let sql = format!(
        "insert into email_deliveries (site_id, message_id, status, detail, since, next_attempt_at, changed_at)
        select a.site_id, a.message_id, case when a.why_not is null then 'waiting' else 'skipped' end, a.why_not,
            a.asked_at, $2, $2
        from ({NOT_TAKEN_UP}) a
        on conflict do nothing"
    );
    sqlx::query(&sql).bind(now - MAX_AGE).bind(now).execute(&mut *connection).await?;
    let sql = "update email_deliveries d
        set status = 'waiting', batch_id = null, ordinal = null, alone = false, attempts = 0, since = t.retried_at,
            next_attempt_at = $1, detail = null, retry_position = t.position, changed_at = $1
        from email_retries t
        where t.site_id = d.site_id and t.message_id = d.message_id and t.retried_at > $2
            and d.status in ('failed', 'unconfirmed') and t.position > d.retry_position";
    sqlx::query(sql).bind(now).bind(now - MAX_AGE).execute(connection).await?;
    Ok(())
}

/// Stores a request before it is sent, and which messages are in it.
pub async fn begin(
    connection: &mut PgConnection,
    stored: &Stored,
    messages: &[(SiteId, MessageId)],
) -> Result<(), MailError> {
    let mut tx = begin_alone(connection).await?;
    let sql = "insert into email_batches (batch_id, provider, payload, attempts, began_at, next_attempt_at)
        values ($1, $2, $3, $4, $5, $5)";
    let query = sqlx::query(sql).bind(stored.batch_id).bind(&stored.provider).bind(&stored.payload);
    query.bind(stored.attempts).bind(stored.began_at).execute(&mut *tx).await?;
    let (sites, ids): (Vec<_>, Vec<_>) = messages.iter().map(|(site, id)| (site.0, id.0)).unzip();
    let sql = "update email_deliveries d
        set status = 'sending', batch_id = $1, ordinal = m.ordinal, attempts = d.attempts + 1, changed_at = $2
        from unnest($3::uuid[], $4::uuid[]) with ordinality as m(site_id, message_id, ordinal)
        where d.site_id = m.site_id and d.message_id = m.message_id";
    let query = sqlx::query(sql).bind(stored.batch_id).bind(stored.began_at).bind(sites).bind(ids);
    query.execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// A stored request whose turn it is.
pub async fn stored(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<Option<Stored>, MailError> {
    let sql = "select batch_id, provider, payload, attempts, began_at from email_batches where next_attempt_at <= $1
        order by next_attempt_at limit 1";
    Ok(sqlx::query_as(sql).bind(now).fetch_optional(connection).await?)
}

/// Takes note that a stored request is sent once more.
pub async fn again(connection: &mut PgConnection, stored: &Stored, now: DateTime<Utc>) -> Result<(), MailError> {
    let mut tx = begin_alone(connection).await?;
    let sql = "update email_batches set attempts = attempts + 1, next_attempt_at = $2 where batch_id = $1";
    sqlx::query(sql).bind(stored.batch_id).bind(now).execute(&mut *tx).await?;
    let sql = "update email_deliveries set attempts = attempts + 1, changed_at = $2
        where batch_id = $1 and status = 'sending'";
    sqlx::query(sql).bind(stored.batch_id).bind(now).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// Keeps a stored request for later.
pub async fn keep(
    connection: &mut PgConnection,
    batch: Uuid,
    why: &str,
    next: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), MailError> {
    let mut tx = begin_alone(connection).await?;
    let sql = "update email_batches set next_attempt_at = $2 where batch_id = $1";
    sqlx::query(sql).bind(batch).bind(next).execute(&mut *tx).await?;
    let sql = "update email_deliveries set detail = $2, changed_at = $3 where batch_id = $1 and status = 'sending'";
    sqlx::query(sql).bind(batch).bind(why).bind(now).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// How often each message of a request was handed over, in their order.
pub async fn attempts(connection: &mut PgConnection, batch: Uuid) -> Result<Vec<u32>, MailError> {
    let sql = "select attempts from email_deliveries where batch_id = $1 and status = 'sending' order by ordinal";
    let attempts: Vec<i32> = sqlx::query_scalar(sql).bind(batch).fetch_all(connection).await?;
    Ok(attempts.into_iter().map(|attempts| u32::try_from(attempts).unwrap_or(u32::MAX)).collect())
}

/// Records what became of every message of a request, in their order, and forgets what was in it.
pub async fn settle(
    connection: &mut PgConnection,
    batch: Uuid,
    fates: &[Becomes],
    now: DateTime<Utc>,
) -> Result<(), MailError> {
    let statuses: Vec<&str> = fates.iter().map(|fate| fate.status.into()).collect();
    let details: Vec<_> = fates.iter().map(|fate| fate.detail.clone()).collect();
    let ids: Vec<_> = fates.iter().map(|fate| fate.provider_id.clone()).collect();
    let next: Vec<_> = fates.iter().map(|fate| fate.again.unwrap_or(now)).collect();
    let alone: Vec<_> = fates.iter().map(|fate| fate.alone).collect();
    let mut tx = begin_alone(connection).await?;
    let sql = "update email_deliveries d
        set status = f.status, detail = f.detail, provider_id = f.provider_id, next_attempt_at = f.next,
            alone = d.alone or f.alone, sent_at = case when f.status = 'sent' then $2 end, changed_at = $2
        from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bool[])
            with ordinality as f(status, detail, provider_id, next, alone, ordinal)
        where d.batch_id = $1 and d.status = 'sending' and d.ordinal = f.ordinal";
    let query = sqlx::query(sql).bind(batch).bind(now).bind(statuses).bind(details).bind(ids).bind(next).bind(alone);
    query.execute(&mut *tx).await?;
    sqlx::query("delete from email_batches where batch_id = $1").bind(batch).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// When the next turn comes: of a message, or of a stored request.
pub async fn next_turn(connection: &mut PgConnection) -> Result<Option<DateTime<Utc>>, MailError> {
    let sql = "select least((select min(next_attempt_at) from email_deliveries where status = 'waiting'),
        (select min(next_attempt_at) from email_batches))";
    Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
}

/// Whether anything is still to be sent from a database whose read models have come up to its log.
pub async fn waits(store: &EventStore, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let sql = format!(
        "select exists (select from email_deliveries where status in ('waiting', 'sending'))
        or exists ({NOT_TAKEN_UP})
        or exists (select from email_retries t join email_deliveries d using (site_id, message_id)
            where t.retried_at > $1 and d.status in ('failed', 'unconfirmed') and t.position > d.retry_position)
        or exists (select from email_batches) or exists (select from account_letters)
        or exists (select from password_reset_requests)"
    );
    Ok(sqlx::query_scalar(&sql).bind(now - MAX_AGE).fetch_one(store.pool()).await?)
}

/// How many messages are not done with, and from when the age of the oldest counts.
pub async fn waiting(connection: &mut PgConnection) -> Result<(i64, Option<DateTime<Utc>>), MailError> {
    // One status at a time, because each has an index of its own.
    let sql = "select (w.messages + s.messages)::bigint, least(w.since, s.since)
        from (select count(*) as messages, min(since) as since from email_deliveries where status = 'waiting') w,
            (select count(*) as messages, min(since) as since from email_deliveries where status = 'sending') s";
    Ok(sqlx::query_as(sql).fetch_one(connection).await?)
}
