//! Which files hold the secret of a link: written down before there is a file, and forgotten when it is gone.

use chrono::{DateTime, Utc};
use rollbook_domain::{MessageId, SiteId};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::invitations::OF_THE_ADDRESS;
use crate::tokens::hash;
use crate::{EventStore, StoreError};

impl EventStore {
    /// Writes down that a message is about to be a file with the secret of a link.
    pub async fn keep_letter_file(
        &self,
        site: SiteId,
        message: MessageId,
        secret: &SecretString,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "insert into letter_files (site_id, message_id, secret_hash, look_at) values ($1, $2, $3, $4)";
        let query = sqlx::query(sql).bind(site.0).bind(message.0).bind(hash(secret.expose_secret())).bind(now);
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Files whose link was used, has run out, was replaced or is for another address by now, at most so many, that were not looked at in vain a moment ago.
    pub async fn void_letter_files(
        &self,
        most: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<(SiteId, MessageId)>, StoreError> {
        let sql = format!(
            "select f.site_id, f.message_id from letter_files f
            where f.look_at <= $1 and not exists (
                select from invitations i where i.site_id = f.site_id and i.secret_hash = f.secret_hash
                    and i.used_at is null and i.expires_at > $1 and {OF_THE_ADDRESS})
            order by f.look_at limit $2"
        );
        let files: Vec<(Uuid, Uuid)> = sqlx::query_as(&sql).bind(now).bind(most).fetch_all(&self.pool).await?;
        Ok(files.into_iter().map(|(site, message)| (SiteId(site), MessageId(message))).collect())
    }

    /// A file is gone.
    pub async fn forget_letter_file(&self, site: SiteId, message: MessageId) -> Result<(), StoreError> {
        let sql = "delete from letter_files where site_id = $1 and message_id = $2";
        sqlx::query(sql).bind(site.0).bind(message.0).execute(&self.pool).await?;
        Ok(())
    }

    /// A file could not be taken away, and is looked at again at an instant.
    pub async fn put_off_letter_file(
        &self,
        site: SiteId,
        message: MessageId,
        look_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "update letter_files set look_at = $3 where site_id = $1 and message_id = $2";
        sqlx::query(sql).bind(site.0).bind(message.0).bind(look_at).execute(&self.pool).await?;
        Ok(())
    }
}
