//! Which person another system's subject is. Linked once; a subject never moves from one person to another by itself.

use chrono::{DateTime, Utc};
use rollbook_domain::{PersonId, SiteId};
use uuid::Uuid;

use crate::{EventStore, StoreError};

impl EventStore {
    /// Who a subject is.
    pub async fn identity(&self, site: SiteId, issuer: &str, subject: &str) -> Result<Option<PersonId>, StoreError> {
        let sql = "select person_id from identities where site_id = $1 and issuer = $2 and subject = $3";
        let person: Option<Uuid> =
            sqlx::query_scalar(sql).bind(site.0).bind(issuer).bind(subject).fetch_optional(&self.pool).await?;
        Ok(person.map(PersonId))
    }

    /// Says who a subject is from now on, unless it is somebody already; who it is.
    pub async fn link_identity(
        &self,
        site: SiteId,
        (issuer, subject): (&str, &str),
        person: PersonId,
        now: DateTime<Utc>,
    ) -> Result<PersonId, StoreError> {
        // The update changes nothing: it makes the row that is there be returned.
        let person: Uuid = sqlx::query_scalar(
            "insert into identities (site_id, issuer, subject, person_id, linked_at) values ($1, $2, $3, $4, $5)
             on conflict (site_id, issuer, subject) do update set issuer = excluded.issuer
             returning person_id",
        )
        .bind(site.0)
        .bind(issuer)
        .bind(subject)
        .bind(person.0)
        .bind(now)
        .fetch_one(&self.pool)
        .await?;
        Ok(PersonId(person))
    }
}
