//! Which person another system's subject is: for as long as nothing has ended that, a subject moves to no other person.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rollbook_domain::person::{Ends, Person};
use rollbook_domain::{Event, PersonId, SiteId, StreamType};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ways_in::hold;
use crate::transaction::begin;
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

/// Whose a subject is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who.
    pub person: PersonId,
    /// As the log has them.
    pub state: Arc<Person>,
    /// When the system must have said so after: what it said until then has ended.
    pub believed_from: Option<DateTime<Utc>>,
}

impl Identity {
    /// Whether what the system said at an instant still holds; none is now.
    pub fn holds(&self, said_at: Option<DateTime<Utc>>) -> bool {
        is_later(said_at, self.believed_from)
    }
}

/// Whether something was said after an instant; none is now, and there may be no such instant.
fn is_later(said_at: Option<DateTime<Utc>>, than: Option<DateTime<Utc>>) -> bool {
    said_at.zip(than).is_none_or(|(said_at, than)| said_at > than)
}

/// How a subject came to be somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkedBy {
    /// By the address that its system has verified: once for a person, and only who has no other identity. It must have been said after
    /// what has ended the person's ways in; none is now.
    Address(Option<DateTime<Utc>>),
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
    pub async fn identity(&self, site: SiteId, issuer: &str, subject: &str) -> Result<Option<Identity>, StoreError> {
        let Some(row) = self.identity_row(site, issuer, subject).await? else { return Ok(None) };
        let (person, epoch, believed_from) = row;
        let state = self.person(site, person).await?.state;
        Ok((state.epochs.access == epoch).then_some(Identity { person, state, believed_from }))
    }

    /// Whether what a system said at an instant was said after whatever has ended ways in of a person, other systems' word among them.
    pub async fn is_said_since(
        &self,
        site: SiteId,
        person: PersonId,
        said_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?;
        Ok(is_later(Some(said_at), ended_at(&mut connection, (site, person)).await?))
    }

    /// Whether some subject is a person, in this epoch of theirs.
    pub async fn has_identity(&self, site: SiteId, person: PersonId, epoch: i64) -> Result<bool, StoreError> {
        let sql = "select exists (select from identities where site_id = $1 and person_id = $2 and epoch = $3)";
        let query = sqlx::query_scalar(sql).bind(site.0).bind(person.0).bind(epoch);
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Says who a subject is from now on, in an epoch of theirs. Whoever it was before, that has ended. Not if it is another person,
    /// or if its address has found the person before, or was said before something ended their ways in: whether it is said.
    pub async fn link_identity(
        &self,
        site: SiteId,
        (issuer, subject): (&str, &str),
        (person, epoch): (PersonId, i64),
        by: LinkedBy,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let before = self.identity_row(site, issuer, subject).await?.map(|(person, epoch, _)| (person, epoch));
        if let Some((other, theirs)) = before
            && other != person
            && self.person(site, other).await?.state.epochs.access == theirs
        {
            return Ok(false);
        }
        let (other, theirs) = before.unwrap_or((person, epoch));
        // Whoever sets a password by a link tells the log, and takes identities away, while they hold this: either what they told is
        // seen here, or what is written here is taken away.
        let mut transaction = begin(&self.pool).await?;
        hold(&mut transaction, (site, person)).await?;
        let believed_from = ended_at(&mut transaction, (site, person)).await?;
        if let LinkedBy::Address(said_at) = by
            && !is_later(said_at, believed_from)
        {
            return Ok(false);
        }
        let linked = sqlx::query(
            "insert into identities (site_id, issuer, subject, person_id, linked_at, epoch, by_address, believed_from)
             select $1, $2, $3, $4, $5, $6, $7, $10
             where not ($7 and exists (select from identities where site_id = $1 and person_id = $4 and epoch = $6))
             on conflict (site_id, issuer, subject) do update set person_id = excluded.person_id,
                linked_at = excluded.linked_at, epoch = excluded.epoch, by_address = excluded.by_address,
                believed_from = excluded.believed_from
             where identities.person_id = $4 or (identities.person_id, identities.epoch) = ($8, $9)",
        )
        .bind(site.0)
        .bind(issuer)
        .bind(subject)
        .bind(person.0)
        .bind(now)
        .bind(epoch)
        .bind(matches!(by, LinkedBy::Address(_)))
        .bind(other.0)
        .bind(theirs)
        .bind(believed_from)
        .execute(&mut *transaction)
        .await;
        match linked {
            Ok(linked) => {
                transaction.commit().await?;
                Ok(linked.rows_affected() == 1)
            }
            Err(sqlx::Error::Database(error)) if error.constraint() == Some(ONCE_BY_ADDRESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn identity_row(&self, site: SiteId, issuer: &str, subject: &str) -> Result<Option<IdentityRow>, StoreError> {
        let sql = "select person_id, epoch, believed_from from identities
            where site_id = $1 and issuer = $2 and subject = $3";
        let found: Option<(Uuid, i64, Option<DateTime<Utc>>)> =
            sqlx::query_as(sql).bind(site.0).bind(issuer).bind(subject).fetch_optional(&self.pool).await?;
        Ok(found.map(|(person, epoch, believed_from)| (PersonId(person), epoch, believed_from)))
    }
}

/// Who a subject is, in which epoch of theirs, and since when it must have been said.
type IdentityRow = (PersonId, i64, Option<DateTime<Utc>>);

/// When something last ended ways in of a person, other systems' word among them, as the log has it: by their epoch, by a password that
/// was set by a link ([`super::ways_in::BY_A_LINK`]), or because somebody had a system vouch for them no more.
async fn ended_at(
    connection: &mut PgConnection,
    (site, person): (SiteId, PersonId),
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "select event_type, event_version, payload::text, recorded_at from events
        where site_id = $1 and aggregate_type = 'person' and aggregate_id = $2 order by sequence desc";
    let rows: Vec<(String, String, String, DateTime<Utc>)> =
        sqlx::query_as(sql).bind(site.0).bind(person.to_string()).fetch_all(&mut *connection).await?;
    let mut by_epoch = None;
    for (event_type, version, payload, recorded_at) in rows {
        let event = Event::decode(StreamType::Person, &event_type, &version, &payload)?;
        if matches!(event, Event::Person(event) if event.ends() != Ends::Nothing) {
            by_epoch = Some(recorded_at);
            break;
        }
    }
    let sql = "select max(recorded_at) from events
        where site_id = $1 and aggregate_type = 'account' and aggregate_id = $2
            and (event_type = 'IdentityUnlinked'
                or event_type = 'PasswordSet' and payload -> event_type ->> 'how' in ('invitation', 'reset'))";
    let of_account: Option<DateTime<Utc>> =
        sqlx::query_scalar(sql).bind(site.0).bind(person.to_string()).fetch_one(connection).await?;
    Ok(by_epoch.max(of_account))
}
