//! A file as events name it: what it is and where its bytes are. The bytes themselves are never in an event.

use serde::{Deserialize, Serialize};

/// A file that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Where the object store has it, `sites/<site>/<kind>/<id>/<name>`; never a full URL.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// What its bytes say that it is.
    pub media_type: String,
    /// Where the same picture is as WebP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webp_key: Option<String>,
}
