//! Who is to be mailed a link to set a password. The link's secret is made when the letter is taken up, and is stored only hashed.

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::account::InvitationPurpose;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::{PersonId, SiteId};
use secrecy::SecretString;
use sqlx::Row;
use uuid::Uuid;

use super::invitations::put_invitation;
use crate::append::stored_key;
use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// A letter that was taken up: whoever has it sends it now.
#[derive(Debug)]
pub struct AccountLetter {
    /// To whom.
    pub person: PersonId,
    /// What for.
    pub purpose: InvitationPurpose,
    /// How often it was taken up before.
    pub attempts: i32,
    /// The secret of its link: a new one each time it is taken up.
    pub secret: SecretString,
}

impl EventStore {
    /// Writes down that somebody under an address has forgotten their password, whether or not anybody has it.
    pub async fn ask_for_reset(&self, site: SiteId, email: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "insert into password_reset_requests (site_id, email_key, asked_at) values ($1, $2, $3)
            on conflict (site_id, email_key) do update set asked_at = excluded.asked_at";
        let key = stored_key(site, &ClaimKey::email(email));
        sqlx::query(sql).bind(site.0).bind(key).bind(now).execute(&self.pool).await?;
        Ok(())
    }

    /// The sites where somebody is to be mailed a link, or has asked for one.
    pub async fn sites_with_letters(&self, now: DateTime<Utc>) -> Result<Vec<SiteId>, StoreError> {
        let sql = "select site_id from password_reset_requests
            union select site_id from account_letters where next_attempt_at <= $1 order by site_id";
        let sites: Vec<Uuid> = sqlx::query_scalar(sql).bind(now).fetch_all(&self.pool).await?;
        Ok(sites.into_iter().map(SiteId).collect())
    }

    /// Somebody who has asked for a reset, if there is a request that was not answered; none of those under an address that
    /// nobody has, which go. It is there until [`Self::answer_reset`].
    pub async fn reset_asked(&self, site: SiteId) -> Result<Option<PersonId>, StoreError> {
        let nobodys = "delete from password_reset_requests r where r.site_id = $1 and not exists (
            select from claims c where c.site_id = r.site_id and c.kind = 'email' and c.key = r.email_key)";
        sqlx::query(nobodys).bind(site.0).execute(&self.pool).await?;
        let sql = "select c.owner from password_reset_requests r
            join claims c on c.site_id = r.site_id and c.kind = 'email' and c.key = r.email_key
            where r.site_id = $1 order by r.asked_at limit 1";
        let person: Option<Uuid> = sqlx::query_scalar(sql).bind(site.0).fetch_optional(&self.pool).await?;
        Ok(person.map(PersonId))
    }

    /// Takes a person's requests away, and where there is to be a letter writes it down, together.
    pub async fn answer_reset(
        &self,
        site: SiteId,
        person: PersonId,
        letter: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = begin(&self.pool).await?;
        let sql = "delete from password_reset_requests r using claims c
            where r.site_id = $1 and c.site_id = r.site_id and c.kind = 'email' and c.key = r.email_key and c.owner = $2";
        sqlx::query(sql).bind(site.0).bind(person.0).execute(&mut *transaction).await?;
        if letter {
            let purpose = <&str>::from(InvitationPurpose::Reset);
            let query = sqlx::query(LETTER).bind(site.0).bind(person.0).bind(purpose).bind(now).bind(Uuid::new_v4());
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Writes down that a person is to be mailed a link.
    pub async fn ask_for_letter(
        &self,
        site: SiteId,
        person: PersonId,
        purpose: InvitationPurpose,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let purpose = <&str>::from(purpose);
        let query = sqlx::query(LETTER).bind(site.0).bind(person.0).bind(purpose).bind(now).bind(Uuid::new_v4());
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Whether a person may be mailed another reset: none was made since an instant or is being mailed, and fewer than so many can
    /// be used in an epoch of theirs.
    pub async fn reset_is_due(
        &self,
        site: SiteId,
        person: PersonId,
        epoch: i64,
        most: i64,
        (since, now): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<bool, StoreError> {
        let sql =
            "select not exists (select from account_letters where site_id = $1 and person_id = $2 and purpose = $3)
                and coalesce(max(created_at) <= $4, true)
                and count(*) filter (where used_at is null and expires_at > $5 and epoch = $6) < $7
            from invitations where site_id = $1 and person_id = $2 and purpose = $3";
        let query = sqlx::query_scalar(sql).bind(site.0).bind(person.0).bind(<&str>::from(InvitationPurpose::Reset));
        Ok(query.bind(since).bind(now).bind(epoch).bind(most).fetch_one(&self.pool).await?)
    }

    /// Takes up the next letter that is due, with a link of its own: nobody else takes it up before `again_at`.
    pub async fn take_letter(
        &self,
        site: SiteId,
        now: DateTime<Utc>,
        again_at: DateTime<Utc>,
        ttl: impl Fn(InvitationPurpose) -> TimeDelta + Send,
    ) -> Result<Option<AccountLetter>, StoreError> {
        let mut transaction = begin(&self.pool).await?;
        let row = sqlx::query(
            "update account_letters l set attempts = l.attempts + 1, next_attempt_at = $3
             from (select person_id, purpose from account_letters where site_id = $1 and next_attempt_at <= $2
                   order by next_attempt_at limit 1 for update skip locked) due
             where l.site_id = $1 and l.person_id = due.person_id and l.purpose = due.purpose
             returning l.person_id, l.purpose, l.invitation_id, l.attempts - 1 as before",
        )
        .bind(site.0)
        .bind(now)
        .bind(again_at)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let unknown = |_| StoreError::Corrupt("a letter for a purpose that is not known".to_owned());
        let purpose: InvitationPurpose = row.try_get::<&str, _>("purpose")?.parse().map_err(unknown)?;
        let person = PersonId(row.try_get("person_id")?);
        // To whom it is sent is looked up after this: to this address or to a later one, for which the link is void.
        let known = self.person(site, person).await?.state;
        let link = (row.try_get("invitation_id")?, purpose);
        let times = (now, ttl(purpose));
        let secret = put_invitation(&mut transaction, site, (person, &known), link, None, times).await?;
        transaction.commit().await?;
        Ok(Some(AccountLetter { person, purpose, attempts: row.try_get("before")?, secret }))
    }

    /// A letter was sent, or never will be.
    pub async fn end_letter(
        &self,
        site: SiteId,
        person: PersonId,
        purpose: InvitationPurpose,
    ) -> Result<(), StoreError> {
        let sql = "delete from account_letters where site_id = $1 and person_id = $2 and purpose = $3";
        sqlx::query(sql).bind(site.0).bind(person.0).bind(<&str>::from(purpose)).execute(&self.pool).await?;
        Ok(())
    }
}

const LETTER: &str =
    "insert into account_letters (site_id, person_id, purpose, asked_at, next_attempt_at, invitation_id)
    values ($1, $2, $3, $4, $4, $5)
    on conflict (site_id, person_id, purpose) do update set asked_at = excluded.asked_at,
        attempts = 0, next_attempt_at = excluded.next_attempt_at";
