//! The queries over syllabi.

use std::collections::BTreeMap;

use rollbook_domain::file::StoredFile;
use rollbook_domain::{CohortId, MaterialId, Personal, SiteId, UploadId};
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::types::Json;

use super::{Material, Row};
use crate::QueryError;
use crate::models::{fetch, fetch_one, items};

/// All weeks of a cohort that anything was ever put in, in their order.
pub async fn of_cohort(pool: &PgPool, site: SiteId, cohort: CohortId) -> Result<Vec<Row>, QueryError> {
    let sql = "select row_to_json(s) from syllabus s where site_id = $1 and cohort_id = $2 order by week";
    fetch(items(sql).bind(site.0).bind(cohort.0), pool).await
}

/// One week of a cohort, if anything was ever put in it.
pub async fn of_week(pool: &PgPool, site: SiteId, cohort: CohortId, week: u8) -> Result<Option<Row>, QueryError> {
    let sql = "select row_to_json(s) from syllabus s where site_id = $1 and cohort_id = $2 and week = $3";
    fetch_one(items(sql).bind(site.0).bind(cohort.0).bind(i16::from(week)), pool).await
}

/// The file that a material of a cohort is, with the material's week.
pub async fn file(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    material: MaterialId,
) -> Result<Option<MaterialFile>, QueryError> {
    let sql = "select json_build_object('week', s.week, 'material', m)
        from syllabus s cross join jsonb_array_elements(s.materials) m
        where s.site_id = $1 and s.cohort_id = $2 and m->>'material_id' = $3";
    let found: Option<Placed> =
        fetch_one(items(sql).bind(site.0).bind(cohort.0).bind(material.to_string()), pool).await?;
    Ok(found.and_then(|Placed { week, material: Material { content, .. } }| {
        Some(MaterialFile { week, upload_id: content.upload()?, file: content.file()?.clone() })
    }))
}

/// The file of a material, as the database has it.
#[derive(Clone, Debug)]
pub struct MaterialFile {
    /// The material's week.
    pub week: u8,
    /// The upload that it came as.
    pub upload_id: UploadId,
    /// The file.
    pub file: StoredFile,
}

#[derive(Deserialize)]
struct Placed {
    week: u8,
    material: Material,
}

/// Why sessions of a cohort were moved or cancelled last, by week.
pub async fn reasons(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
) -> Result<BTreeMap<u8, Personal<String>>, QueryError> {
    let sql = "select distinct on (to_week) to_week, to_json(reason) from audit_trail
        where site_id = $1 and cohort_id = $2 and action in ('session_rescheduled', 'session_cancelled')
            and to_week is not null and reason is not null
        order by to_week, position desc";
    let rows: Vec<(i16, Json<Personal<String>>)> =
        sqlx::query_as(sql).bind(site.0).bind(cohort.0).fetch_all(pool).await?;
    Ok(rows.into_iter().filter_map(|(week, Json(reason))| Some((u8::try_from(week).ok()?, reason))).collect())
}
