//! Links by which a person sets a password, good for a while, used once: one invitation, in place of the one before, or resets side
//! by side, because anybody may ask for one.

use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::account::InvitationPurpose;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::person::Person;
use rollbook_domain::{PersonId, SiteId};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::credentials::put_password;
use super::ways_in::{BY_A_LINK, hold};
use crate::append::stored_key;
use crate::tokens::{hash, secret};
use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// An invitation that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id, which is no secret.
    pub id: Uuid,
    /// Whose password it sets.
    pub person: PersonId,
    /// What it is for.
    pub purpose: InvitationPurpose,
    /// The epoch of its person that it is good in.
    pub epoch: i64,
    /// Who else has seen it; nobody where it was mailed, or comes from the command line.
    pub shown: Option<Shown>,
}

/// Somebody who has seen a link, and could use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Who.
    pub to: PersonId,
    /// The epoch of theirs in which they have seen it; none where nobody has written it down.
    pub epoch: Option<i64>,
    /// Whether they were a guest: a super admin, whose person is one of the default site.
    pub super_admin: bool,
}

/// Of a link: that its person has the address for which it was made, as the claims say. Whoever was mailed it may have another now.
pub(super) const OF_THE_ADDRESS: &str = "(i.email_key is null or exists (
    select from claims c where c.site_id = i.site_id and c.kind = 'email' and c.key = i.email_key and c.owner = i.person_id))";

/// What came of using an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// The password is set.
    Done,
    /// Somebody was faster, or it has run out or was replaced meanwhile; nothing was done.
    Gone,
}

impl EventStore {
    /// Makes a link for a person as the log has them: an invitation in place of the one before, a reset beside it. The only time its
    /// secret can be seen.
    pub async fn issue_invitation(
        &self,
        site: SiteId,
        person: (PersonId, &Person),
        purpose: InvitationPurpose,
        shown: Option<Shown>,
        (now, ttl): (DateTime<Utc>, TimeDelta),
    ) -> Result<SecretString, StoreError> {
        let mut connection = self.pool.acquire().await?;
        put_invitation(&mut connection, site, person, (Uuid::new_v4(), purpose), shown, (now, ttl)).await
    }

    /// The invitation that a secret is of, if it can be used at an instant, and is for the address that its person has.
    pub async fn invitation(
        &self,
        site: SiteId,
        secret: &SecretString,
        now: DateTime<Utc>,
    ) -> Result<Option<Invitation>, StoreError> {
        let row = sqlx::query(&format!(
            "select invitation_id, person_id, purpose, epoch, shown_to, shown_in_epoch, shown_to_super_admin
             from invitations i
             where site_id = $1 and secret_hash = $2 and used_at is null and expires_at > $3 and {OF_THE_ADDRESS}"
        ))
        .bind(site.0)
        .bind(hash(secret.expose_secret()))
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        let unknown = |_| StoreError::Corrupt("an invitation for a purpose that is not known".to_owned());
        row.map(|row| {
            let shown_to: Option<Uuid> = row.try_get("shown_to")?;
            let (epoch, super_admin) = (row.try_get("shown_in_epoch")?, row.try_get("shown_to_super_admin")?);
            Ok(Invitation {
                id: row.try_get("invitation_id")?,
                person: PersonId(row.try_get("person_id")?),
                purpose: row.try_get::<&str, _>("purpose")?.parse().map_err(unknown)?,
                epoch: row.try_get("epoch")?,
                shown: shown_to.map(|to| Shown { to: PersonId(to), epoch, super_admin }),
            })
        })
        .transpose()
    }

    /// Uses an invitation: sets the password, good in an epoch of its person, and ends everything else that lets them
    /// in. Of several at once one does. `told` tells the log: it is polled only once nobody else can use the invitation
    /// any more, and nothing is changed if it fails. It must not need this store's pool, a connection of which is held
    /// meanwhile.
    pub async fn redeem<E: From<StoreError>>(
        &self,
        site: SiteId,
        invitation: Invitation,
        (phc, epoch): (&SecretString, i64),
        now: DateTime<Utc>,
        told: impl Future<Output = Result<(), E>>,
    ) -> Result<Redeemed, E> {
        let mut transaction = begin(&self.pool).await.map_err(StoreError::from)?;
        hold(&mut transaction, (site, invitation.person)).await?;
        let used = sqlx::query(&format!(
            "update invitations i set used_at = $3
             where site_id = $1 and invitation_id = $2 and used_at is null and expires_at > $3 and {OF_THE_ADDRESS}"
        ))
        .bind(site.0)
        .bind(invitation.id)
        .bind(now)
        .execute(&mut *transaction)
        .await
        .map_err(StoreError::from)?;
        if used.rows_affected() == 0 {
            return Ok(Redeemed::Gone);
        }
        told.await?;
        put_password(&mut transaction, (site, invitation.person), (phc, epoch), (BY_A_LINK, None), now).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(Redeemed::Done)
    }
}

/// Makes a link under an id; one that there is already under it has another secret from now on.
pub(super) async fn put_invitation(
    connection: &mut PgConnection,
    site: SiteId,
    (person, state): (PersonId, &Person),
    (id, purpose): (Uuid, InvitationPurpose),
    shown: Option<Shown>,
    (now, ttl): (DateTime<Utc>, TimeDelta),
) -> Result<SecretString, StoreError> {
    let link = SecretString::from(secret());
    let in_place_of = match purpose {
        InvitationPurpose::Invitation => "(site_id, person_id) where purpose = 'invitation' and used_at is null",
        InvitationPurpose::Reset => "(site_id, invitation_id)",
    };
    sqlx::query(&format!(
        "insert into invitations (site_id, person_id, purpose, invitation_id, secret_hash, created_at, expires_at, epoch,
            email_key, shown_to, shown_in_epoch, shown_to_super_admin)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict {in_place_of} do update set invitation_id = excluded.invitation_id,
            secret_hash = excluded.secret_hash, created_at = excluded.created_at, expires_at = excluded.expires_at,
            used_at = null, epoch = excluded.epoch, email_key = excluded.email_key, shown_to = excluded.shown_to,
            shown_in_epoch = excluded.shown_in_epoch, shown_to_super_admin = excluded.shown_to_super_admin"
    ))
    .bind(site.0)
    .bind(person.0)
    .bind(<&str>::from(purpose))
    .bind(id)
    .bind(hash(link.expose_secret()))
    .bind(now)
    .bind(now + ttl)
    .bind(state.epochs.access)
    .bind(state.email.as_ref().map(|email| stored_key(site, &ClaimKey::email(email.as_str()))))
    .bind(shown.map(|shown| shown.to.0))
    .bind(shown.and_then(|shown| shown.epoch))
    .bind(shown.is_some_and(|shown| shown.super_admin))
    .execute(connection)
    .await?;
    Ok(link)
}
