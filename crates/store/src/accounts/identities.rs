//! Which person another system's subject is: for as long as nothing has ended that, a subject moves to no other person.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rollbook_domain::person::Person;
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

/// How a subject came to be somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkedBy {
    /// By the address that its system has verified: once for a person, and only who has no other identity.
    Address,
    /// By the person, who was signed in.
    Hand,
}

/// What holds that an address finds a person once, for those who come at the same time.
const ONCE_BY_ADDRESS: &str = "identities_once_by_address";

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

    /// Who a subject is, in an epoch of theirs that has not ended; as the log has them.
    pub async fn identity(
        &self,
        site: SiteId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<(PersonId, Arc<Person>)>, StoreError> {
        let Some((person, epoch)) = self.identity_row(site, issuer, subject).await? else { return Ok(None) };
        let state = self.person(site, person).await?.state;
        Ok((state.epochs.access == epoch).then_some((person, state)))
    }

    /// Whether some subject is a person, in this epoch of theirs.
    pub async fn has_identity(&self, site: SiteId, person: PersonId, epoch: i64) -> Result<bool, StoreError> {
        let sql = "select exists (select from identities where site_id = $1 and person_id = $2 and epoch = $3)";
        let query = sqlx::query_scalar(sql).bind(site.0).bind(person.0).bind(epoch);
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Says who a subject is from now on, in an epoch of theirs. Whoever it was before, that has ended. Not if it is another person,
    /// or if its address has found the person before: whether it is said.
    pub async fn link_identity(
        &self,
        site: SiteId,
        (issuer, subject): (&str, &str),
        (person, epoch): (PersonId, i64),
        by: LinkedBy,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let before = self.identity_row(site, issuer, subject).await?;
        if let Some((other, theirs)) = before
            && other != person
            && self.person(site, other).await?.state.epochs.access == theirs
        {
            return Ok(false);
        }
        let (other, theirs) = before.unwrap_or((person, epoch));
        let linked = sqlx::query(
            "insert into identities (site_id, issuer, subject, person_id, linked_at, epoch, by_address)
             select $1, $2, $3, $4, $5, $6, $7
             where not ($7 and exists (select from identities where site_id = $1 and person_id = $4 and epoch = $6))
             on conflict (site_id, issuer, subject) do update set person_id = excluded.person_id,
                linked_at = excluded.linked_at, epoch = excluded.epoch, by_address = excluded.by_address
             where identities.person_id = $4 or (identities.person_id, identities.epoch) = ($8, $9)",
        )
        .bind(site.0)
        .bind(issuer)
        .bind(subject)
        .bind(person.0)
        .bind(now)
        .bind(epoch)
        .bind(by == LinkedBy::Address)
        .bind(other.0)
        .bind(theirs)
        .execute(&self.pool)
        .await;
        match linked {
            Ok(linked) => Ok(linked.rows_affected() == 1),
            Err(sqlx::Error::Database(error)) if error.constraint() == Some(ONCE_BY_ADDRESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn identity_row(
        &self,
        site: SiteId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<(PersonId, i64)>, StoreError> {
        let sql = "select person_id, epoch from identities where site_id = $1 and issuer = $2 and subject = $3";
        let found: Option<(Uuid, i64)> =
            sqlx::query_as(sql).bind(site.0).bind(issuer).bind(subject).fetch_optional(&self.pool).await?;
        Ok(found.map(|(person, epoch)| (PersonId(person), epoch)))
    }
}
