//! The messages whose turn it is, each with what the read models say of its student or person now.

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::cohort::{CohortStatus, SessionStatus, Zone};
use rollbook_domain::enrolment::{EnrolmentStatus, Outcome};
use rollbook_domain::{Authority, MessageId, Personal, SiteId};
use rollbook_projections::models::account_notices::NoticeKind;
use rollbook_projections::models::emails::{EmailKind, EmailStatus};
use rollbook_store::Position;
use serde::Deserialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::MailError;

/// How long a message is left alone of which the read models do not know enough.
const LEFT_ALONE: TimeDelta = TimeDelta::minutes(1);

/// A message whose turn it is, with what is known of its student now.
#[derive(Debug, Deserialize)]
pub struct Candidate {
    pub site_id: SiteId,
    pub message_id: MessageId,
    /// Whether it goes in a request of its own.
    pub alone: bool,
    /// From when its age counts.
    pub since: DateTime<Utc>,
    /// Its event's place in the log; none where no read model has the message.
    pub position: Option<Position>,
    /// Whether its site answers nobody any more.
    pub closed: bool,
    /// The host that its site's students come to.
    pub host: Option<String>,
    /// None where a read model has a stream set aside, or does not have it.
    pub known: Option<MessageContext>,
    /// Of a letter about an account, in the place of `known`.
    pub notice: Option<NoticeContext>,
}

/// What is known of a letter about an account, and of its person.
#[derive(Debug, Deserialize)]
pub struct NoticeContext {
    pub kind: NoticeKind,
    pub detail: Option<Personal<String>>,
    pub name: Personal<String>,
    pub email: Personal<String>,
    /// Whether it goes to an address that another one has replaced.
    pub to_former: bool,
    pub active: bool,
    /// How many letters of its kind the person was sent in the day before.
    pub before: i64,
    /// Whether they did it themselves.
    pub by_themselves: bool,
    /// Who did it, where they are somebody of the site.
    pub by: Option<Personal<String>>,
    pub authority: Option<Authority>,
    pub happened_at: DateTime<Utc>,
}

/// What the read models say.
#[derive(Debug, Deserialize)]
pub struct MessageContext {
    pub kind: EmailKind,
    pub week: u8,
    pub name: Personal<String>,
    pub email: Personal<String>,
    pub active: bool,
    pub status: EnrolmentStatus,
    pub student_week: u8,
    pub held: bool,
    pub cohort: String,
    pub cohort_status: CohortStatus,
    pub timezone: Zone,
    pub session: Option<Session>,
    pub outcome: Option<Outcome>,
    pub feedback: Option<Personal<String>>,
    /// Whether there is a later message about the same reflection.
    pub superseded: bool,
}

/// A session as the read model has it.
#[derive(Debug, Deserialize)]
pub struct Session {
    pub starts_at: DateTime<Utc>,
    pub minutes: u16,
    pub status: SessionStatus,
}

/// The messages whose turn it is, the longest waiting first.
pub async fn candidates(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Candidate>, MailError> {
    let sql = "select row_to_json(q) from (
            select d.site_id, d.message_id, d.alone, d.since, coalesce(e.position, n.position) as position,
                coalesce(o.closed, false) as closed,
                (select h.host ->> 'host' from jsonb_array_elements(o.hosts) with ordinality as h(host, nth)
                    where h.host ->> 'admits' <> 'staff' order by h.nth limit 1) as host,
                case when p.person_id is not null and c.cohort_id is not null and not exists (
                        select 1 from parked_streams s where s.site_id = d.site_id
                            and s.stream_id in (r.enrolment_id::text, r.person_id::text, r.cohort_id::text))
                    then json_build_object('kind', e.kind, 'week', e.week, 'name', p.name, 'email', p.email,
                        'active', p.active, 'status', r.status, 'student_week', r.week, 'held', r.held,
                        'cohort', c.name, 'cohort_status', c.status, 'timezone', c.timezone,
                        'session', c.sessions -> e.week::text, 'outcome', t.outcome, 'feedback', t.feedback,
                        'superseded', exists (
                            select 1 from emails l where l.site_id = e.site_id and l.enrolment_id = e.enrolment_id
                                and l.week = e.week and l.kind <> 'week_open' and l.position > e.position))
                    end as known,
                case when n.message_id is not null and a.person_id is not null and not exists (
                        select 1 from parked_streams s where s.site_id = d.site_id and s.stream_id = n.person_id::text)
                    then json_build_object('kind', n.kind, 'detail', n.detail, 'name', a.name,
                        'email', coalesce(n.address, a.email), 'to_former', n.address is not null, 'active', a.active,
                        'before', (
                            select count(*) from account_notices m
                            join email_deliveries f on f.site_id = m.site_id and f.message_id = m.message_id
                            where m.site_id = n.site_id and m.person_id = n.person_id and m.kind = n.kind
                                and m.position < n.position and m.happened_at > n.happened_at - interval '1 day'
                                and f.status not in ('skipped', 'failed', 'expired')),
                        'by_themselves',
                            n.by is not distinct from n.person_id and n.authority is distinct from 'super_admin',
                        'by', b.name,
                        'authority', n.authority, 'happened_at', n.happened_at)
                    end as notice
            from email_deliveries d
            left join emails e on e.site_id = d.site_id and e.message_id = d.message_id
            left join roster r on r.site_id = e.site_id and r.enrolment_id = e.enrolment_id
            left join people p on p.site_id = r.site_id and p.person_id = r.person_id
            left join cohorts c on c.site_id = r.site_id and c.cohort_id = r.cohort_id
            left join reflections t on t.site_id = e.site_id and t.enrolment_id = e.enrolment_id and t.week = e.week
            left join account_notices n on n.site_id = d.site_id and n.message_id = d.message_id
            left join people a on a.site_id = n.site_id and a.person_id = n.person_id
            left join people b on b.site_id = n.site_id and b.person_id = n.by
                and n.authority is distinct from 'super_admin'
            left join sites o on o.site_id = $3 and o.id = d.site_id
            where d.status = 'waiting' and d.next_attempt_at <= $1
            order by d.next_attempt_at, d.message_id limit $2
        ) q";
    let found: Vec<Json<Candidate>> =
        sqlx::query_scalar(sql).bind(now).bind(limit).bind(SiteId::DEFAULT.0).fetch_all(connection).await?;
    let mut found: Vec<_> = found.into_iter().map(|Json(candidate)| candidate).collect();
    // Those that go together are in the order in which what they tell has happened.
    found.sort_by_key(|candidate| candidate.position);
    Ok(found)
}

/// Leaves a message alone for a while: nothing can be said about it now.
pub async fn leave(connection: &mut PgConnection, candidate: &Candidate, now: DateTime<Utc>) -> Result<(), MailError> {
    let sql =
        "update email_deliveries set next_attempt_at = $3, changed_at = $4 where site_id = $1 and message_id = $2";
    let (site, message) = (candidate.site_id.0, candidate.message_id.0);
    sqlx::query(sql).bind(site).bind(message).bind(now + LEFT_ALONE).bind(now).execute(connection).await?;
    Ok(())
}

/// Ends a message that is not sent.
pub async fn end(
    connection: &mut PgConnection,
    candidate: &Candidate,
    status: EmailStatus,
    detail: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), MailError> {
    let sql = "update email_deliveries set status = $3, detail = $4, changed_at = $5
        where site_id = $1 and message_id = $2 and status = 'waiting'";
    let query = sqlx::query(sql).bind(candidate.site_id.0).bind(candidate.message_id.0);
    query.bind(<&str>::from(status)).bind(detail).bind(now).execute(connection).await?;
    Ok(())
}
