//! Which person another system's subject is: for as long as nothing has ended that, a subject moves to no other person.

use chrono::{DateTime, Utc};
use rollbook_domain::{PersonId, SiteId};
use uuid::Uuid;

use crate::{EventStore, StoreError};

impl EventStore {
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
