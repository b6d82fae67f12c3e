//! A cohort's emails with what became of them, the newest first.

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::{CohortId, EnrolmentId, MessageId, Personal, SiteId};
use rollbook_store::Position;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::EmailKind;
use crate::models::{fetch, fetch_one, items};
use crate::page::part;
use crate::{Page, Paged, QueryError};

/// How old a message may be when it is sent, counted from when somebody asked for it: nobody gets old mail after an upgrade or
/// a long rest.
pub const MAX_AGE: TimeDelta = TimeDelta::days(7);

/// What became of a message.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EmailStatus {
    /// Its turn comes, or comes again.
    Waiting,
    /// It is on its way to whoever delivers it.
    Sending,
    /// Whoever delivers it has taken it.
    Sent,
    /// It was not sent, because the student is not where it says any more.
    Skipped,
    /// It was not taken, and nobody tries again by themselves.
    Failed,
    /// It may have been taken or not, and trying again could send it twice.
    Unconfirmed,
    /// It was too old to be sent.
    Expired,
}

impl EmailStatus {
    /// Whether somebody may have it sent again.
    pub fn may_be_retried(self) -> bool {
        matches!(self, Self::Failed | Self::Unconfirmed)
    }
}

/// A message as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmailItem {
    /// Which message.
    pub message_id: MessageId,
    /// To whom.
    pub enrolment_id: EnrolmentId,
    /// The student, as they write it.
    pub name: Personal<String>,
    /// Where they get mail now.
    pub email: Personal<String>,
    /// What it is about.
    pub kind: EmailKind,
    /// About which week.
    pub week: u8,
    /// What became of it.
    pub status: EmailStatus,
    /// How often it was handed to whoever delivers it.
    pub attempts: u32,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it was taken.
    pub sent_at: Option<DateTime<Utc>>,
    /// Why it is not sent, or not yet.
    pub detail: Option<String>,
    /// Its event's place in the log.
    pub position: Position,
}

/// Which messages are asked for.
#[derive(Clone, Debug, Default)]
pub struct EmailFilter {
    /// Of which that became.
    pub status: Option<EmailStatus>,
    /// About this week.
    pub week: Option<u8>,
}

/// A message that nobody has taken up is too old, or its turn comes; one that somebody wants again waits.
const ITEM: &str = "select e.message_id, e.enrolment_id, coalesce(p.name, '') as name, coalesce(p.email, '') as email,
        e.kind, e.week, e.requested_at, d.sent_at, e.position, coalesce(d.attempts, 0) as attempts,
        case when d.status in ('failed', 'unconfirmed') and t.position > d.retry_position and t.retried_at > $3
                then 'waiting'
            when d.status is not null then d.status
            when e.position <= i.position or e.requested_at <= $3 then 'expired'
            else 'waiting' end as status,
        d.detail
    from roster r
    join emails e on e.site_id = r.site_id and e.enrolment_id = r.enrolment_id
    cross join email_installation i
    left join email_deliveries d on d.site_id = e.site_id and d.message_id = e.message_id
    left join email_retries t on t.site_id = r.site_id and t.cohort_id = r.cohort_id and t.message_id = e.message_id
    left join people p on p.site_id = r.site_id and p.person_id = r.person_id
    where r.site_id = $1 and r.cohort_id = $2";

/// A cohort's messages, as they stand at `now`.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    now: DateTime<Utc>,
    filter: &EmailFilter,
    page: &Page,
) -> Result<Paged<EmailItem>, QueryError> {
    let (position, id) = match page.cursor()? {
        Some([position, id]) => (Some(part::<Position>(position)?), Some(part::<Uuid>(id)?)),
        None => (None, None),
    };
    let sql = format!(
        "select row_to_json(q) from (
            select * from ({ITEM}) m
            where ($4::text is null or m.status = $4)
                and ($5::smallint is null or m.week = $5)
                and ($6::bigint is null or (m.position, m.message_id) < ($6, $7))
            order by m.position desc, m.message_id desc limit $8
        ) q"
    );
    let status: Option<&'static str> = filter.status.map(Into::into);
    let query = items::<EmailItem>(&sql)
        .bind(site.0)
        .bind(cohort.0)
        .bind(now - MAX_AGE)
        .bind(status)
        .bind(filter.week.map(i16::from))
        .bind(position)
        .bind(id)
        .bind(page.rows());
    Ok(page.cut(fetch(query, pool).await?, |m| format!("{}.{}", m.position, m.message_id)))
}

/// One message of a cohort, as it stands at `now`.
pub async fn get(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    message: MessageId,
    now: DateTime<Utc>,
) -> Result<Option<EmailItem>, QueryError> {
    let sql = format!("select row_to_json(q) from ({ITEM} and e.message_id = $4) q");
    fetch_one(items(&sql).bind(site.0).bind(cohort.0).bind(now - MAX_AGE).bind(message.0), pool).await
}
