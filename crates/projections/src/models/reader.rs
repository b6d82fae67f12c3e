//! What gives a person a right to read, taken together from the read models; `rollbook_domain::policy` says what it gives.

use std::collections::BTreeSet;

use rollbook_domain::enrolment::EnrolmentStatus;
use rollbook_domain::person::Role;
use rollbook_domain::policy::{OwnEnrolment, Reader};
use rollbook_domain::{CohortId, EnrolmentId, HubId, PersonId, SiteId};
use serde::Deserialize;
use sqlx::PgPool;

use super::{fetch_one, items};
use crate::QueryError;

#[derive(Deserialize)]
struct Rights {
    roles: BTreeSet<Role>,
    instructs: BTreeSet<CohortId>,
    marks: BTreeSet<CohortId>,
    coordinates: BTreeSet<HubId>,
    enrolments: Vec<Own>,
}

#[derive(Deserialize)]
struct Own {
    id: EnrolmentId,
    cohort: CohortId,
    week: u8,
    status: EnrolmentStatus,
}

/// The condition that a row's stream is not parked: a row that stands still gives nobody a right that may have ended.
fn goes_on(projection: &str, stream_type: &str, id: &str) -> String {
    format!(
        "not exists (select from parked_streams s where s.site_id = $1 and s.projection = '{projection}'
            and s.stream_type = '{stream_type}' and s.stream_id = {id}::text)"
    )
}

/// A person as a reader; none if there is no such person, or they may not act.
pub async fn reader(pool: &PgPool, site: SiteId, person: PersonId) -> Result<Option<Reader>, QueryError> {
    let cohort = goes_on("cohorts", "cohort", "c.cohort_id");
    let hub = goes_on("hubs", "hub", "h.hub_id");
    let enrolment = goes_on("roster", "enrolment", "r.enrolment_id");
    let roles = goes_on("people", "person", "p.person_id");
    let sql = format!(
        "select row_to_json(q) from (
            select case when {roles} then p.roles else '{{}}' end as roles,
                array(select c.cohort_id from cohorts c
                    where c.site_id = $1 and c.instructors ? p.person_id::text and {cohort}) as instructs,
                array(select c.cohort_id from cohorts c
                    where c.site_id = $1 and c.markers @> array[p.person_id] and {cohort}) as marks,
                array(select h.hub_id from hubs h
                    where h.site_id = $1 and h.coordinator_id = p.person_id and {hub}) as coordinates,
                (select coalesce(json_agg(json_build_object('id', r.enrolment_id, 'cohort', r.cohort_id,
                        'week', r.week, 'status', r.status) order by r.enrolment_id), '[]')
                    from roster r where r.site_id = $1 and r.person_id = p.person_id and {enrolment}) as enrolments
            from people p where p.site_id = $1 and p.person_id = $2 and p.active
        ) q"
    );
    let rights: Option<Rights> = fetch_one(items(&sql).bind(site.0).bind(person.0), pool).await?;
    Ok(rights.map(|rights| Reader {
        person,
        admin: rights.roles.iter().any(|role| match role {
            Role::Owner | Role::Admin => true,
        }),
        instructs: rights.instructs,
        marks: rights.marks,
        coordinates: rights.coordinates,
        enrolments: rights
            .enrolments
            .into_iter()
            .map(|own| OwnEnrolment { id: own.id, cohort: own.cohort, week: own.week, status: own.status })
            .collect(),
    }))
}

/// The week of the furthest active student of a cohort who meets in these hubs now; 0 where there is none.
pub async fn furthest(pool: &PgPool, site: SiteId, cohort: CohortId, hubs: &BTreeSet<HubId>) -> Result<u8, QueryError> {
    if hubs.is_empty() {
        return Ok(0);
    }
    let enrolment = goes_on("roster", "enrolment", "r.enrolment_id");
    let sql = format!(
        "select coalesce(max(r.week), 0::smallint) from roster r
        where r.site_id = $1 and r.cohort_id = $2 and r.hub_id = any($3) and r.status = 'active' and {enrolment}"
    );
    let hubs: Vec<_> = hubs.iter().map(|hub| hub.0).collect();
    let week: i16 = sqlx::query_scalar(&sql).bind(site.0).bind(cohort.0).bind(hubs).fetch_one(pool).await?;
    Ok(u8::try_from(week).unwrap_or(0))
}

/// The cohorts that a reader sees in lists, as [`Reader::cohort`] decides one by one; none is all of them.
pub fn cohorts_of(reader: &Reader) -> Option<BTreeSet<CohortId>> {
    if reader.admin || !reader.coordinates.is_empty() {
        return None;
    }
    let own = reader.enrolments.iter().map(|own| own.cohort);
    Some(reader.instructs.iter().chain(&reader.marks).copied().chain(own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn lists_show_the_cohorts_that_the_policy_shows() {
        let id = |n| CohortId(Uuid::from_u128(n));
        let own = OwnEnrolment {
            id: EnrolmentId(Uuid::from_u128(9)),
            cohort: id(3),
            week: 1,
            status: EnrolmentStatus::Active,
        };
        let nobody = Reader {
            person: PersonId(Uuid::from_u128(1)),
            admin: false,
            instructs: BTreeSet::new(),
            marks: BTreeSet::new(),
            coordinates: BTreeSet::new(),
            enrolments: Vec::new(),
        };
        let readers = [
            Reader { admin: true, ..nobody.clone() },
            Reader { instructs: [id(1)].into(), marks: [id(2)].into(), enrolments: vec![own], ..nobody.clone() },
            Reader { coordinates: [HubId(Uuid::from_u128(7))].into(), ..nobody.clone() },
            nobody,
        ];
        for reader in readers {
            let listed = cohorts_of(&reader);
            for cohort in (1..=4).map(id) {
                let shown = listed.as_ref().is_none_or(|listed| listed.contains(&cohort));
                assert_eq!(shown, reader.cohort(cohort), "{reader:?}");
            }
        }
    }
}
