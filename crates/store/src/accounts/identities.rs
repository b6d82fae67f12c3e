//! Which person another system's subject is: for as long as nothing has ended that, a subject moves to no other person.

use chrono::{DateTime, Utc};
use rollbook_domain::{PersonId, SiteId};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{EventStore, StoreError};

/// Another system's word for a person, as it is listed: not what it calls them.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct IdentityItem {
    /// Its id.
    pub identity_id: Uuid,
    /// Which system vouches.
    pub issuer: String,
    /// Since when.
    pub linked_at: DateTime<Utc>,
}

impl EventStore {
    /// Which systems vouch for a person in an epoch of theirs, the newest first.
    pub async fn identities(
        &self,
        site: SiteId,
        person: PersonId,
        epoch: i64,
    ) -> Result<Vec<IdentityItem>, StoreError> {
        let sql = "select id, issuer, linked_at from identities where site_id = $1 and person_id = $2 and epoch = $3
            order by linked_at desc, id";
        let rows = sqlx::query_as::<_, (Uuid, String, DateTime<Utc>)>(sql).bind(site.0).bind(person.0).bind(epoch);
        let rows = rows.fetch_all(&self.pool).await?;
        let item = |(identity_id, issuer, linked_at)| IdentityItem { identity_id, issuer, linked_at };
        Ok(rows.into_iter().map(item).collect())
    }

    /// Has a system vouch for a person no more.
    pub async fn unlink_identity(&self, site: SiteId, person: PersonId, id: Uuid) -> Result<(), StoreError> {
        let sql = "delete from identities where site_id = $1 and person_id = $2 and id = $3";
        sqlx::query(sql).bind(site.0).bind(person.0).bind(id).execute(&self.pool).await?;
        Ok(())
    }

    /// Who a subject is, in an epoch of theirs that has not ended.
    pub async fn identity(&self, site: SiteId, issuer: &str, subject: &str) -> Result<Option<PersonId>, StoreError> {
        let sql = "select person_id, epoch from identities where site_id = $1 and issuer = $2 and subject = $3";
        let found: Option<(Uuid, i64)> =
            sqlx::query_as(sql).bind(site.0).bind(issuer).bind(subject).fetch_optional(&self.pool).await?;
        let Some((person, epoch)) = found else { return Ok(None) };
        let person = PersonId(person);
        Ok((self.person(site, person).await?.state.epochs.access == epoch).then_some(person))
    }

    /// Says who a subject is from now on, in an epoch of theirs. Whoever it was before, that has ended.
    pub async fn link_identity(
        &self,
        site: SiteId,
        (issuer, subject): (&str, &str),
        (person, epoch): (PersonId, i64),
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into identities (site_id, issuer, subject, person_id, linked_at, epoch)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (site_id, issuer, subject) do update set person_id = excluded.person_id,
                linked_at = excluded.linked_at, epoch = excluded.epoch",
        )
        .bind(site.0)
        .bind(issuer)
        .bind(subject)
        .bind(person.0)
        .bind(now)
        .bind(epoch)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
