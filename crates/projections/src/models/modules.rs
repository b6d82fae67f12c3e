//! Modules: the courses that cohorts run.

use rollbook_domain::module::ModuleEvent;
use rollbook_domain::{Event, ModuleId, SiteId, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{fetch, fetch_one, items};
use crate::{Page, Paged, QueryError, ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct Modules;

/// A module, in its table and as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModuleItem {
    /// Which.
    pub module_id: ModuleId,
    /// As on a timetable.
    pub code: String,
    /// What it is called.
    pub title: String,
    /// How many weekly sessions a run has.
    pub weeks: u8,
    /// Whether no further cohort can be scheduled.
    pub retired: bool,
    /// What `If-Match` takes.
    pub version: i64,
}

impl ReadModel for Modules {
    const NAME: &'static str = "modules";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "modules";
    const KEY: &'static [&'static str] = &["module_id"];
    const COLUMNS: &'static [&'static str] = &["code", "title", "weeks", "retired", "version"];
    const STREAMS: &'static [StreamType] = &[StreamType::Module];

    type Key = ModuleId;
    type Row = ModuleItem;

    fn touches(event: &Recorded) -> Vec<ModuleId> {
        let Event::Module(_) = &event.event else { return Vec::new() };
        vec![ModuleId(event.stream.id)]
    }

    fn key(row: &ModuleItem) -> ModuleId {
        row.module_id
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Module(happened) = &event.event else { return };
        let module_id = ModuleId(event.stream.id);
        if let ModuleEvent::ModuleDefined { code, title, weeks } = happened {
            let (code, title) = (code.clone(), title.clone());
            rows.put(ModuleItem { module_id, code, title, weeks: *weeks, retired: false, version: event.sequence });
        }
        rows.update(module_id, |row| {
            row.version = event.sequence;
            match happened {
                ModuleEvent::ModuleDefined { code: _, title: _, weeks: _ } => {}
                ModuleEvent::ModuleRenamed { title } => row.title.clone_from(title),
                ModuleEvent::ModuleRetired {} => row.retired = true,
            }
        });
    }
}

/// A site's modules, by code.
pub async fn list(pool: &PgPool, site: SiteId, page: &Page) -> Result<Paged<ModuleItem>, QueryError> {
    let key = "select code from modules where site_id = $1 and module_id = $2";
    let (code, id) = page.sorted_id(pool, site, key).await?;
    let sql = "select row_to_json(m) from modules m
        where site_id = $1 and ($2::text is null or (code, module_id) > ($2, $3))
        order by code, module_id limit $4";
    let modules = fetch(items::<ModuleItem>(sql).bind(site.0).bind(code).bind(id).bind(page.rows()), pool).await?;
    Ok(page.cut(modules, |m| m.module_id.to_string()))
}

/// One module.
pub async fn get(pool: &PgPool, site: SiteId, module: ModuleId) -> Result<Option<ModuleItem>, QueryError> {
    let sql = "select row_to_json(m) from modules m where site_id = $1 and module_id = $2";
    fetch_one(items(sql).bind(site.0).bind(module.0), pool).await
}
