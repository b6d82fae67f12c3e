//! Calendar links: a secret address for each person, stored hashed and revocable. The secret is never stored, logged or
//! shown again.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rollbook_domain::account::ShownFactor;
use rollbook_domain::person::Person;
use rollbook_domain::{PersonId, SiteId};
use sqlx::Row as _;
use uuid::Uuid;

use crate::accounts::Grounds;
use crate::accounts::grounds::hold;
use crate::tokens::{hash, secret, shown};
use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// Whose a link is.
#[derive(Clone, Debug)]
pub struct CalendarLink {
    /// Who.
    pub person: PersonId,
    /// As the log has them.
    pub state: Arc<Person>,
    /// What the session had shown besides that it was made by.
    pub second_factor: ShownFactor,
}

impl EventStore {
    /// Makes a person's link, good in an epoch of theirs, in place of the one before. The only time the secret can be seen. None where
    /// what it is made by has ended.
    pub async fn issue_calendar_link(
        &self,
        site: SiteId,
        person: PersonId,
        (epoch, second_factor): (i64, ShownFactor),
        grounds: &Grounds,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        let mut transaction = begin(&self.pool).await?;
        if !hold(&mut transaction, (site, person), grounds, now).await? {
            return Ok(None);
        }
        let link = secret();
        sqlx::query(
            "insert into calendar_links (site_id, person_id, link_hash, created_at, epoch, second_factor)
             values ($1, $2, $3, $4, $5, nullif($6, 'nothing'))
             on conflict (site_id, person_id) do update set link_hash = excluded.link_hash,
                created_at = excluded.created_at, epoch = excluded.epoch, second_factor = excluded.second_factor",
        )
        .bind(site.0)
        .bind(person.0)
        .bind(hash(&link))
        .bind(now)
        .bind(epoch)
        .bind(<&str>::from(second_factor))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Some(link))
    }

    /// Whose link a secret is; none if it is nobody's any more, or of an epoch that has ended.
    pub async fn calendar_link(&self, site: SiteId, link: &str) -> Result<Option<CalendarLink>, StoreError> {
        let sql = "select person_id, epoch, second_factor from calendar_links where site_id = $1 and link_hash = $2";
        let found = sqlx::query(sql).bind(site.0).bind(hash(link)).fetch_optional(&self.pool).await?;
        let Some(row) = found else { return Ok(None) };
        let (person, epoch): (Uuid, i64) = (row.try_get("person_id")?, row.try_get("epoch")?);
        let second_factor = shown(row.try_get("second_factor")?)?;
        let person = PersonId(person);
        let state = self.person(site, person).await?.state;
        Ok((state.epochs.access == epoch).then_some(CalendarLink { person, state, second_factor }))
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
