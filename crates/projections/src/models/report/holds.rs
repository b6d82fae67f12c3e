//! Who was held, when, why, and until when: holds paired with what ended them, from the audit trail.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rollbook_domain::{CohortId, EnrolmentId, Personal, SiteId};
use serde::Deserialize;
use sqlx::PgPool;

use super::Hold;
use crate::QueryError;
use crate::models::audit_trail::AuditAction;
use crate::models::{PersonRef, fetch, items};

/// A decision that begins or ends a hold.
#[derive(Debug, Deserialize)]
struct Decision {
    enrolment_id: EnrolmentId,
    name: Personal<String>,
    at: DateTime<Utc>,
    action: AuditAction,
    actor: Option<PersonRef>,
    week: Option<u8>,
    reason: Option<Personal<String>>,
}

/// A cohort's holds, the oldest first.
pub async fn of_cohort(pool: &PgPool, site: SiteId, cohort: CohortId) -> Result<Vec<Hold>, QueryError> {
    let sql = "select json_build_object('enrolment_id', a.enrolment_id, 'name', coalesce(p.name, ''), 'at', a.at,
            'action', a.action, 'week', a.to_week, 'reason', a.reason,
            'actor', case when a.actor_id is not null
                then json_build_object('id', a.actor_id, 'name', coalesce(w.name,
                    case when a.authority = 'super_admin' then 'Super admin' else '' end)) end)
        from roster r
        join audit_trail a on a.site_id = r.site_id and a.enrolment_id = r.enrolment_id
        left join people p on p.site_id = r.site_id and p.person_id = r.person_id
        left join people w on w.site_id = r.site_id and w.person_id = a.actor_id
            and a.authority is distinct from 'super_admin'
        where r.site_id = $1 and r.cohort_id = $2 and a.action in ('held', 'released')
        order by a.position";
    Ok(paired(fetch(items(sql).bind(site.0).bind(cohort.0), pool).await?))
}

/// Each hold with what ended it. A week that is set leaves a student held.
fn paired(decisions: Vec<Decision>) -> Vec<Hold> {
    let mut holds: Vec<Hold> = Vec::new();
    let mut open: BTreeMap<EnrolmentId, usize> = BTreeMap::new();
    for Decision { enrolment_id, name, at, action, actor, week, reason } in decisions {
        if action == AuditAction::Held {
            open.insert(enrolment_id, holds.len());
            holds.push(Hold {
                enrolment_id,
                name,
                week: week.unwrap_or_default(),
                held_at: at,
                held_by: actor,
                reason,
                released_at: None,
                released_by: None,
                release_reason: None,
            });
        } else if let Some(hold) = open.remove(&enrolment_id).and_then(|place| holds.get_mut(place)) {
            hold.released_at = Some(at);
            hold.released_by = actor;
            hold.release_reason = reason;
        }
    }
    holds
}
