//! Weeks and materials as they are shown. Where a file lies in its store is never told.

use rollbook_domain::file::StoredFile;
use rollbook_domain::syllabus::{MaterialContent, MaterialKind};
use rollbook_domain::{CohortId, MaterialId, Personal};
use rollbook_projections::models::cohorts::Session;
use rollbook_projections::models::syllabus::{Material, Row};
use schemars::JsonSchema;
use serde::Serialize;

use super::markdown;
use crate::problem::ApiError;
use crate::processor::computed;

/// What of a cohort's syllabus the caller sees.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SyllabusItem {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// What `If-Match` takes, for those who see all weeks; 0 where nobody has put anything in.
    pub version: Option<i64>,
    /// Whether the caller edits it.
    pub editable: bool,
    /// The weeks that the caller sees, in their order. Pages are without their text here.
    pub weeks: Vec<WeekItem>,
}

/// A week.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WeekItem {
    /// Which.
    pub week: u8,
    /// Its session.
    pub session: WeekSession,
    /// What its students reflect on.
    pub question: Option<String>,
    /// What it shows, in order.
    pub materials: Vec<MaterialItem>,
}

/// A week's session.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WeekSession {
    /// When and how long, whether as planned, and what it was before.
    #[serde(flatten)]
    pub session: Session,
    /// Why it was moved or cancelled last.
    pub reason: Option<Personal<String>>,
}

/// A material.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MaterialItem {
    /// Which.
    pub material_id: MaterialId,
    /// Its place; 1 is the first.
    pub position: usize,
    /// What it is.
    pub kind: MaterialKind,
    /// What it is called.
    pub title: String,
    /// Where it is to be had: the video, the linked page, or on this service the file.
    pub url: Option<String>,
    /// Of a video: the address of a player that sets no cookies.
    pub embed_url: Option<String>,
    /// Of a document or an image.
    pub file: Option<FileItem>,
    /// Of a page: its source.
    pub markdown: Option<String>,
    /// Of a page: its source as HTML without anything that runs; not of those beyond 4 MiB of it in one answer.
    pub html: Option<String>,
    /// The material of another run that it was copied from, for those who see all weeks.
    pub copied_from: Option<MaterialId>,
}

/// A file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileItem {
    /// What it is called.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// What its bytes are.
    pub media_type: String,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// Whether there is the same picture as WebP: `?format=webp`.
    pub webp: bool,
}

/// How much of materials is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The text of pages.
    pub pages: bool,
    /// What they were copied from.
    pub descent: bool,
}

/// How much HTML of pages one answer has, in bytes: as much as forty long pages come to. A page takes up to six times as much as
/// its source, and a week has fifty.
const LONGEST_HTML: usize = 4 << 20;

/// The materials of a week.
pub async fn materials(row: &Row, shown: Shown) -> Result<Vec<MaterialItem>, ApiError> {
    let (mut items, mut bytes) = (Vec::with_capacity(row.materials.len()), 0);
    for (position, material) in (1..).zip(&row.materials) {
        let mut item = item(row.cohort_id, position, material, shown);
        if let Some(page) = item.markdown.clone().filter(|_| bytes < LONGEST_HTML) {
            // One as long as it may be takes some hundred milliseconds, in one step.
            let html = computed(move || markdown::rendered(&page)).await?;
            bytes += html.len();
            item.html = Some(html).filter(|_| bytes <= LONGEST_HTML);
        }
        items.push(item);
    }
    Ok(items)
}

/// A material, but for the HTML of a page.
fn item(cohort: CohortId, position: usize, material: &Material, shown: Shown) -> MaterialItem {
    let Material { material_id, title, content, copied_from } = material;
    let mut item = MaterialItem {
        material_id: *material_id,
        position,
        kind: content.kind(),
        title: title.clone(),
        url: None,
        embed_url: None,
        file: None,
        markdown: None,
        html: None,
        copied_from: copied_from.filter(|_| shown.descent),
    };
    match content {
        MaterialContent::Video { youtube_id } => {
            item.url = Some(format!("https://www.youtube.com/watch?v={youtube_id}"));
            item.embed_url = Some(format!("https://www.youtube-nocookie.com/embed/{youtube_id}"));
        }
        MaterialContent::Document { upload_id: _, file } | MaterialContent::Image { upload_id: _, file } => {
            item.url = Some(format!("/v1/cohorts/{cohort}/materials/{material_id}/file"));
            item.file = Some(described(file));
        }
        MaterialContent::Link { url } => item.url = Some(url.clone()),
        MaterialContent::Page { markdown } if shown.pages => {
            item.markdown = Some(markdown.clone());
        }
        MaterialContent::Page { markdown: _ } => {}
    }
    item
}

fn described(file: &StoredFile) -> FileItem {
    FileItem {
        name: file.name.clone(),
        size: file.size,
        media_type: file.media_type.clone(),
        sha256: file.sha256.clone(),
        webp: file.webp_key.is_some(),
    }
}
