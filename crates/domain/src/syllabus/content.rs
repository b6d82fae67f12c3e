//! What a material consists of, read strictly from what a client sends: only what a student's browser may safely open.
//! It fetches nothing, so it never says whether an address still answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::youtube;
use crate::file::StoredFile;
use crate::ids::UploadId;

/// The longest address that browsers and servers reliably take.
const LONGEST_ADDRESS: usize = 2_000;

/// What a material is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MaterialKind {
    /// On YouTube.
    Video,
    /// An uploaded pdf, doc, docx, ppt or pptx, to download.
    Document,
    /// An uploaded picture.
    Image,
    /// A page elsewhere.
    Link,
    /// A page of our own, in Markdown.
    Page,
}

impl MaterialKind {
    /// Whether its content is an upload.
    pub fn is_file(self) -> bool {
        matches!(self, Self::Document | Self::Image)
    }
}

/// The kind of material that a stored file can be.
pub fn stored_file_kind(file: &StoredFile) -> MaterialKind {
    if file.media_type.starts_with("image/") { MaterialKind::Image } else { MaterialKind::Document }
}

/// What a material consists of, as events hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MaterialContent {
    /// See [`MaterialKind::Video`].
    Video {
        /// What YouTube calls it.
        youtube_id: String,
    },
    /// See [`MaterialKind::Document`].
    Document {
        /// The upload that it came as.
        upload_id: UploadId,
        /// The file.
        file: StoredFile,
    },
    /// See [`MaterialKind::Image`].
    Image {
        /// The upload that it came as.
        upload_id: UploadId,
        /// The file.
        file: StoredFile,
    },
    /// See [`MaterialKind::Link`].
    Link {
        /// Where it leads.
        url: String,
    },
    /// See [`MaterialKind::Page`].
    Page {
        /// The source; it is rendered and sanitised when it is read.
        markdown: String,
    },
}

/// Why a content was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Another site's video, or none.
    #[error("must be the link of one YouTube video, such as https://www.youtube.com/watch?v=dQw4w9WgXcQ")]
    NotYouTube,
    /// Something that a browser should not be sent to.
    #[error("must be an http or https address without a name or password in it, such as https://example.org/reading")]
    NotAnAddress,
    /// Not to be opened by every browser.
    #[error("must be an address of at most {LONGEST_ADDRESS} characters")]
    AddressTooLong,
    /// No upload's id, or one that is not (or not any more) to be had.
    #[error("must be the id of a file that was uploaded in the last 24 hours; upload it first")]
    NoSuchUpload,
    /// A picture where a document is expected, or the other way round.
    #[error("the upload is a file for a material of kind {actual}")]
    OtherKind {
        /// What it could be.
        actual: MaterialKind,
    },
}

impl MaterialContent {
    /// Reads the content of a material of a kind. The file is the one that the edge found under the content's id.
    pub fn read(kind: MaterialKind, content: &str, file: Option<&StoredFile>) -> Result<Self, ContentError> {
        match kind {
            MaterialKind::Video => {
                let youtube_id = youtube::video_id(content).ok_or(ContentError::NotYouTube)?;
                Ok(Self::Video { youtube_id })
            }
            MaterialKind::Document => {
                upload(kind, content, file).map(|(upload_id, file)| Self::Document { upload_id, file })
            }
            MaterialKind::Image => upload(kind, content, file).map(|(upload_id, file)| Self::Image { upload_id, file }),
            MaterialKind::Link => address(content).map(|url| Self::Link { url }),
            MaterialKind::Page => Ok(Self::Page { markdown: content.to_owned() }),
        }
    }

    /// What kind of material it makes.
    pub fn kind(&self) -> MaterialKind {
        match self {
            Self::Video { .. } => MaterialKind::Video,
            Self::Document { .. } => MaterialKind::Document,
            Self::Image { .. } => MaterialKind::Image,
            Self::Link { .. } => MaterialKind::Link,
            Self::Page { .. } => MaterialKind::Page,
        }
    }

    /// The upload that it came as.
    pub fn upload(&self) -> Option<UploadId> {
        match self {
            Self::Document { upload_id, .. } | Self::Image { upload_id, .. } => Some(*upload_id),
            Self::Video { .. } | Self::Link { .. } | Self::Page { .. } => None,
        }
    }

    /// The file that it is.
    pub fn file(&self) -> Option<&StoredFile> {
        match self {
            Self::Document { file, .. } | Self::Image { file, .. } => Some(file),
            Self::Video { .. } | Self::Link { .. } | Self::Page { .. } => None,
        }
    }

    /// How many characters of text it has of its own.
    pub fn text_chars(&self) -> usize {
        match self {
            Self::Page { markdown } => markdown.chars().count(),
            Self::Video { .. } | Self::Document { .. } | Self::Image { .. } | Self::Link { .. } => 0,
        }
    }
}

fn upload(
    kind: MaterialKind,
    content: &str,
    file: Option<&StoredFile>,
) -> Result<(UploadId, StoredFile), ContentError> {
    let (Ok(id), Some(file)) = (content.parse(), file) else { return Err(ContentError::NoSuchUpload) };
    let actual = stored_file_kind(file);
    if actual == kind { Ok((id, file.clone())) } else { Err(ContentError::OtherKind { actual }) }
}

fn address(text: &str) -> Result<String, ContentError> {
    if text.chars().count() > LONGEST_ADDRESS {
        return Err(ContentError::AddressTooLong);
    }
    let url = web_address(text).ok_or(ContentError::NotAnAddress)?;
    let url = String::from(url);
    if url.len() > LONGEST_ADDRESS { Err(ContentError::AddressTooLong) } else { Ok(url) }
}

/// An http or https address that shows whole where it leads: nobody's name before the host, no blanks that a parser
/// would drop.
pub(super) fn web_address(text: &str) -> Option<Url> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    (plain && url.host_str().is_some_and(|host| !host.is_empty())).then_some(url)
}
