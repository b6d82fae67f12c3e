//! What a database says of an upload's file, checked: a school's own database is somebody else's word. Where the store has
//! a file is worked out from the site, the upload and the name; a key that comes back is compared with that, and never used.

use std::fmt;

use rollbook_domain::SiteId;
use rollbook_domain::file::StoredFile;
use uuid::Uuid;

use crate::format::{Format, Kind};
use crate::name::FileName;
use crate::received::{Examined, LIMIT_BYTES};

/// How many letters a SHA-256 has in hexadecimal.
const SHA256_LETTERS: usize = 64;

/// Where the store has one object: `sites/<site>/<kind>/<upload>/<name>`, of letters, digits and hyphens of ASCII with one
/// full stop. Only a [`CheckedFile`] makes one, so there is none that leads anywhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectKey {
    site: SiteId,
    kind: Kind,
    upload: Uuid,
    name: String,
}

impl ObjectKey {
    /// Its parts, in their order; the last is the object's own name.
    pub(crate) fn parts(&self) -> [String; 5] {
        let Self { site, kind, upload, name } = self;
        ["sites".to_owned(), site.to_string(), kind.as_str().to_owned(), upload.to_string(), name.clone()]
    }

    /// The last part.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn text(&self) -> String {
        self.parts().join("/")
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey(sites/{}/{}/{}/…)", self.site, self.kind.as_str(), self.upload)
    }
}

/// The file of one upload of one site, every field of which is as this service would have written it.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedFile {
    file: StoredFile,
    format: Format,
    key: ObjectKey,
    webp: Option<ObjectKey>,
}

/// A database names a file that this service has not written for that upload: by a mistake, or to reach another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0} that the database has for an upload's file is not what was written for it")]
pub struct ForeignFile(&'static str);

impl CheckedFile {
    /// What a file will be known as, once it is kept. A picture's WebP is beside it.
    pub fn describe(site: SiteId, upload: Uuid, name: &FileName, examined: &Examined) -> Self {
        let [key, webp] = keys(site, upload, name);
        let webp = examined.webp.as_ref().map(|_| webp);
        let format = name.format();
        let file = StoredFile {
            key: key.text(),
            name: name.shown().to_owned(),
            size: examined.size,
            sha256: examined.sha256.clone(),
            media_type: format.media_type().to_owned(),
            webp_key: webp.as_ref().map(ObjectKey::text),
        };
        Self { file, format, key, webp }
    }

    /// Checks what a database says of the file of an upload of a site. The key must be the one that this name would be
    /// given, so a change of [`FileName::in_key`] must go on knowing the keys of before.
    pub fn try_new(site: SiteId, upload: Uuid, file: StoredFile) -> Result<Self, ForeignFile> {
        let name = FileName::try_new(&file.name).ok().filter(|name| name.shown() == file.name);
        let name = name.ok_or(ForeignFile("name"))?;
        let format = name.format();
        let [key, webp] = keys(site, upload, &name);
        let is_hexadecimal = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
        // The WebP beside a picture that is one itself would be that picture.
        let has_webp = format.kind() == Kind::Image && format != Format::Webp;
        if file.key != key.text() {
            Err(ForeignFile("key"))
        } else if file.webp_key.as_ref().is_some_and(|key| !has_webp || *key != webp.text()) {
            Err(ForeignFile("key of the WebP"))
        } else if file.media_type != format.media_type() {
            Err(ForeignFile("media type"))
        } else if !(1..=LIMIT_BYTES).contains(&file.size) {
            Err(ForeignFile("size"))
        } else if file.sha256.len() != SHA256_LETTERS || !file.sha256.bytes().all(is_hexadecimal) {
            Err(ForeignFile("hash"))
        } else {
            let webp = file.webp_key.is_some().then_some(webp);
            Ok(Self { file, format, key, webp })
        }
    }

    /// As the database and events have it.
    pub fn stored(&self) -> &StoredFile {
        &self.file
    }

    /// What its bytes are.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where its bytes are.
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// Where the same picture is as WebP, if it is anywhere.
    pub fn webp(&self) -> Option<&ObjectKey> {
        self.webp.as_ref()
    }
}

impl fmt::Debug for CheckedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckedFile({:?})", self.key)
    }
}

/// Where a file of this name is, and the WebP beside it.
fn keys(site: SiteId, upload: Uuid, name: &FileName) -> [ObjectKey; 2] {
    let format = name.format();
    [format, Format::Webp].map(|of| ObjectKey { site, kind: format.kind(), upload, name: name.in_key(of.extension()) })
}
