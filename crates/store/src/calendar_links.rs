//! Calendar links: a secret address for each person, stored hashed and revocable. The secret is never stored, logged or
//! shown again.

use chrono::{DateTime, Utc};
use rollbook_domain::{PersonId, SiteId};
use uuid::Uuid;

use crate::tokens::{hash, secret};
use crate::{EventStore, StoreError};

impl EventStore {
    /// Makes a person's link, good in an epoch of theirs, in place of the one before. The only time the secret can be seen.
    pub async fn issue_calendar_link(
        &self,
        site: SiteId,
        person: PersonId,
        epoch: i64,
        now: DateTime<Utc>,
    ) -> Result<String, StoreError> {
        let link = secret();
        sqlx::query(
            "insert into calendar_links (site_id, person_id, link_hash, created_at, epoch) values ($1, $2, $3, $4, $5)
             on conflict (site_id, person_id) do update set link_hash = excluded.link_hash,
                created_at = excluded.created_at, epoch = excluded.epoch",
        )
        .bind(site.0)
        .bind(person.0)
        .bind(hash(&link))
        .bind(now)
        .bind(epoch)
        .execute(&self.pool)
        .await?;
        Ok(link)
    }

    /// Whose link a secret is; none if it is nobody's any more, or of an epoch that has ended.
    pub async fn calendar_link(&self, site: SiteId, link: &str) -> Result<Option<PersonId>, StoreError> {
        let sql = "select person_id, epoch from calendar_links where site_id = $1 and link_hash = $2";
        let found: Option<(Uuid, i64)> =
            sqlx::query_as(sql).bind(site.0).bind(hash(link)).fetch_optional(&self.pool).await?;
        let Some((person, epoch)) = found else { return Ok(None) };
        let person = PersonId(person);
        Ok((self.person(site, person).await?.state.epochs.access == epoch).then_some(person))
    }

    /// Whether a person has a link that is good in an epoch of theirs.
    pub async fn has_calendar_link(&self, site: SiteId, person: PersonId, epoch: i64) -> Result<bool, StoreError> {
        let sql = "select exists (select from calendar_links where site_id = $1 and person_id = $2 and epoch = $3)";
        Ok(sqlx::query_scalar(sql).bind(site.0).bind(person.0).bind(epoch).fetch_one(&self.pool).await?)
    }

    /// Revokes a person's link, if there is one.
    pub async fn revoke_calendar_link(&self, site: SiteId, person: PersonId) -> Result<(), StoreError> {
        let sql = "delete from calendar_links where site_id = $1 and person_id = $2";
        sqlx::query(sql).bind(site.0).bind(person.0).execute(&self.pool).await?;
        Ok(())
    }
}
