//! The audit trail by its filters, in the order of the log.

use chrono::{DateTime, Utc};
use rollbook_domain::{Authority, CohortId, CommandId, EnrolmentId, HubId, ModuleId, PersonId, Personal, SiteId};
use rollbook_store::Position;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::AuditAction;
use crate::models::{PersonRef, fetch, items};
use crate::page::part;
use crate::{Page, Paged, QueryError};

/// A decision as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditItem {
    /// When.
    pub at: DateTime<Utc>,
    /// Who; null is the system.
    pub actor: Option<PersonRef>,
    /// In what capacity.
    pub authority: Option<Authority>,
    /// What.
    pub action: AuditAction,
    /// About whom or what.
    pub subject: AuditSubject,
    /// The week before.
    pub from_week: Option<u8>,
    /// The week afterwards; for a hold, a release and a session the week that it is about.
    pub to_week: Option<u8>,
    /// Why; for a flag that is raised or cleared, the weeks that were missed then; for a site or a setting, which and what.
    pub reason: Option<Personal<String>>,
    /// The command that it came from.
    pub command_id: CommandId,
    /// Its event's place in the log.
    pub position: Position,
}

impl AuditItem {
    /// Its columns in a table: a field, or a field of a field after a dot. No value is an object.
    pub const COLUMNS: &'static [&'static str] = &[
        "at",
        "actor.id",
        "actor.name",
        "authority",
        "action",
        "subject.enrolment_id",
        "subject.name",
        "subject.person_id",
        "subject.cohort_id",
        "subject.hub_id",
        "subject.module_id",
        "from_week",
        "to_week",
        "reason",
        "command_id",
        "position",
    ];
}

/// Whom or what a decision is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditSubject {
    /// Which enrolment, if it is about a student of a cohort.
    pub enrolment_id: Option<EnrolmentId>,
    /// The person's name; for what is about no person, the cohort's, the hub's or the module's.
    pub name: Personal<String>,
    /// Which person.
    pub person_id: Option<PersonId>,
    /// Which cohort.
    pub cohort_id: Option<CohortId>,
    /// Which hub.
    pub hub_id: Option<HubId>,
    /// Which module.
    pub module_id: Option<ModuleId>,
}

/// Which decisions are asked for.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// About this cohort, or about an enrolment of it.
    pub cohort_id: Option<CohortId>,
    /// About this person, or about an enrolment of theirs.
    pub person_id: Option<PersonId>,
    /// About this enrolment.
    pub enrolment_id: Option<EnrolmentId>,
    /// By this person.
    pub actor_id: Option<PersonId>,
    /// Of this kind.
    pub action: Option<AuditAction>,
    /// At this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Also what was decided about which sites there are, which is for super admins and whoever has the database.
    pub with_registry: bool,
}

/// The audit trail, the oldest first. Whoever wants all of it asks page by page: each starts where the last one ended,
/// however much is written meanwhile.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    filter: &AuditFilter,
    page: &Page,
) -> Result<Paged<AuditItem>, QueryError> {
    let after: Option<Position> = page.cursor()?.map(|[position]| part(position)).transpose()?;
    let sql = "select json_build_object('at', q.at, 'authority', q.authority, 'action', q.action,
            'from_week', q.from_week, 'to_week', q.to_week, 'reason', q.reason, 'command_id', q.command_id,
            'position', q.position,
            'actor', case when q.actor_id is not null
                then json_build_object('id', q.actor_id, 'name', coalesce(w.name,
                    case when q.authority = 'super_admin' then 'Super admin' else '' end)) end,
            'subject', json_build_object(
                'enrolment_id', q.enrolment_id,
                'name', coalesce(p.name, c.name, h.name, m.title, ''),
                'person_id', coalesce(q.person_id, r.person_id),
                'cohort_id', coalesce(q.cohort_id, r.cohort_id),
                'hub_id', q.hub_id,
                'module_id', q.module_id))
        from (
            select * from audit_trail a
            where a.site_id = $1
                and ($2::uuid is null or a.cohort_id = $2 or a.enrolment_id = any(array(
                    select enrolment_id from roster where site_id = $1 and cohort_id = $2)))
                and ($3::uuid is null or a.person_id = $3 or a.enrolment_id = any(array(
                    select enrolment_id from roster where site_id = $1 and person_id = $3)))
                and ($4::uuid is null or a.enrolment_id = $4)
                and ($5::uuid is null or a.actor_id = $5)
                and ($6::text is null or a.action = $6)
                and ($7::timestamptz is null or a.at >= $7)
                and ($8::timestamptz is null or a.at < $8)
                and ($9::bigint is null or a.position > $9)
                and ($11 or a.action <> all($12))
            order by a.position limit $10
        ) q
        left join roster r on r.site_id = $1 and r.enrolment_id = q.enrolment_id
        left join people p on p.site_id = $1 and p.person_id = coalesce(q.person_id, r.person_id)
        left join people w on w.site_id = $1 and w.person_id = q.actor_id
            and (q.authority is distinct from 'super_admin' or q.site_id = $13)
        left join cohorts c on c.site_id = $1 and c.cohort_id = q.cohort_id
        left join hubs h on h.site_id = $1 and h.hub_id = q.hub_id
        left join modules m on m.site_id = $1 and m.module_id = q.module_id
        order by q.position";
    let action: Option<&'static str> = filter.action.map(Into::into);
    // Planned for the filters that are given, every time: a plan for any of them could only read the whole trail.
    let query = items::<AuditItem>(sql)
        .persistent(false)
        .bind(site.0)
        .bind(filter.cohort_id.map(|cohort| cohort.0))
        .bind(filter.person_id.map(|person| person.0))
        .bind(filter.enrolment_id.map(|enrolment| enrolment.0))
        .bind(filter.actor_id.map(|actor| actor.0))
        .bind(action)
        .bind(filter.from)
        .bind(filter.to)
        .bind(after)
        .bind(page.rows())
        .bind(filter.with_registry)
        .bind(AuditAction::OF_THE_REGISTRY.map(<&'static str>::from))
        .bind(SiteId::DEFAULT.0);
    Ok(page.cut(fetch(query, pool).await?, |a| a.position.to_string()))
}
