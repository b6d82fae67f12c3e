//! Uploads: files that came before the command that uses them. A row is there before the first byte is kept and until the
//! last one is gone, so nothing is kept that nobody knows of. Which events use them, the claims say.

use chrono::{DateTime, Utc};
use rollbook_domain::file::StoredFile;
use rollbook_domain::{PersonId, SiteId};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row, Transaction};
use uuid::Uuid;

use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// Whoever takes abandoned uploads away holds this advisory lock of the database.
const LOCK: i64 = 5_570_193_308_531_903_610;

/// How many abandoned uploads are taken away in one transaction.
const BATCH: i64 = 100;

/// An upload.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its id, which nobody guesses.
    pub id: Uuid,
    /// The file.
    pub file: StoredFile,
    /// Who uploaded it.
    pub by: PersonId,
}

/// How much was uploaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// How many files.
    pub files: i64,
    /// How many bytes.
    pub bytes: i64,
}

impl EventStore {
    /// How much a person has uploaded since an instant, and everybody of the site together.
    pub async fn uploaded_since(
        &self,
        site: SiteId,
        by: PersonId,
        since: DateTime<Utc>,
    ) -> Result<(Uploaded, Uploaded), StoreError> {
        let row = sqlx::query(
            "select count(*) filter (where uploaded_by = $2), count(*),
                coalesce(sum(size) filter (where uploaded_by = $2), 0)::bigint, coalesce(sum(size), 0)::bigint
             from uploads where site_id = $1 and uploaded_at > $3",
        )
        .bind(site.0)
        .bind(by.0)
        .bind(since)
        .fetch_one(&self.pool)
        .await?;
        let of = |nth| Ok::<_, sqlx::Error>(Uploaded { files: row.try_get(nth)?, bytes: row.try_get(nth + 2)? });
        Ok((of(0)?, of(1)?))
    }

    /// Notes an upload whose bytes are about to be kept. It cannot be used yet.
    pub async fn begin_upload(
        &self,
        site: SiteId,
        upload: &Upload,
        kind: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Upload { id, file, by } = upload;
        sqlx::query(
            "insert into uploads (site_id, upload_id, key, name, size, sha256, media_type, kind, webp_key, uploaded_by,
                uploaded_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(site.0)
        .bind(id)
        .bind(&file.key)
        .bind(&file.name)
        .bind(i64::try_from(file.size).unwrap_or(i64::MAX))
        .bind(&file.sha256)
        .bind(&file.media_type)
        .bind(kind)
        .bind(&file.webp_key)
        .bind(by.0)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// An upload's bytes are kept: from now on it can be used.
    pub async fn end_upload(&self, site: SiteId, id: Uuid) -> Result<(), StoreError> {
        let sql = "update uploads set stored = true where site_id = $1 and upload_id = $2";
        sqlx::query(sql).bind(site.0).bind(id).execute(&self.pool).await?;
        Ok(())
    }

    /// An upload's bytes could not be kept, and are gone.
    pub async fn forget_upload(&self, site: SiteId, id: Uuid) -> Result<(), StoreError> {
        let sql = "delete from uploads where site_id = $1 and upload_id = $2 and not stored";
        sqlx::query(sql).bind(site.0).bind(id).execute(&self.pool).await?;
        Ok(())
    }

    /// An upload that can be used: it came after `since`, or an event has it already, so that a command that is sent again
    /// finds what it found before.
    pub async fn upload(&self, site: SiteId, id: Uuid, since: DateTime<Utc>) -> Result<Option<Upload>, StoreError> {
        let row = sqlx::query(
            "select u.upload_id, u.key, u.name, u.size, u.sha256, u.media_type, u.webp_key, u.uploaded_by
             from uploads u
             where u.site_id = $1 and u.upload_id = $2 and u.stored
                and (u.uploaded_at > $3 or exists (
                    select from claims c
                    where c.site_id = u.site_id and c.kind = 'upload' and c.key = u.upload_id::text))",
        )
        .bind(site.0)
        .bind(id)
        .bind(since)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| read(&row)).transpose()
    }

    /// Some uploads that came before an instant and that no event uses, after this one in the order of their ids; none at
    /// all while somebody else has asked for them, in whichever process.
    pub async fn abandoned_uploads(
        &self,
        site: SiteId,
        before: DateTime<Utc>,
        after: Uuid,
    ) -> Result<Abandoned, StoreError> {
        let mut transaction = begin(&self.pool).await?;
        let alone: bool =
            sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(LOCK).fetch_one(&mut *transaction).await?;
        let rows = if alone {
            sqlx::query(
                "select u.upload_id, u.key, u.name, u.size, u.sha256, u.media_type, u.webp_key, u.uploaded_by
                 from uploads u
                 where u.site_id = $1 and u.uploaded_at < $2 and u.upload_id > $3
                    and not exists (
                        select from claims c
                        where c.site_id = u.site_id and c.kind = 'upload' and c.key = u.upload_id::text)
                 order by u.upload_id limit $4",
            )
            .bind(site.0)
            .bind(before)
            .bind(after)
            .bind(BATCH)
            .fetch_all(&mut *transaction)
            .await?
        } else {
            Vec::new()
        };
        let uploads = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Abandoned { transaction, site, uploads })
    }
}

/// Uploads that nobody but their holder takes away.
#[derive(Debug)]
pub struct Abandoned {
    transaction: Transaction<'static, Postgres>,
    site: SiteId,
    /// Which.
    pub uploads: Vec<Upload>,
}

impl Abandoned {
    /// Forgets those whose bytes are gone.
    pub async fn forget(mut self, gone: &[Uuid]) -> Result<(), StoreError> {
        let sql = "delete from uploads where site_id = $1 and upload_id = any($2)";
        sqlx::query(sql).bind(self.site.0).bind(gone).execute(&mut *self.transaction).await?;
        Ok(self.transaction.commit().await?)
    }
}

fn read(row: &PgRow) -> Result<Upload, StoreError> {
    let size: i64 = row.try_get("size")?;
    Ok(Upload {
        id: row.try_get("upload_id")?,
        file: StoredFile {
            key: row.try_get("key")?,
            name: row.try_get("name")?,
            size: u64::try_from(size).map_err(|_| StoreError::Corrupt("a file of less than no bytes".to_owned()))?,
            sha256: row.try_get("sha256")?,
            media_type: row.try_get("media_type")?,
            webp_key: row.try_get("webp_key")?,
        },
        by: PersonId(row.try_get("uploaded_by")?),
    })
}
