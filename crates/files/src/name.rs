//! What a file is called: as people read it, and as a part of a key. A name never leads anywhere: it has no folders, no
//! control characters and nothing that turns the direction of reading.

use std::fmt;

use crate::format::Format;

/// The most characters of a name.
const MOST: usize = 200;

/// The most characters of the name's part of a key.
const MOST_IN_KEY: usize = 80;

/// A name that is safe to show and to keep.
#[derive(Clone, PartialEq, Eq)]
pub struct FileName {
    shown: String,
    format: Format,
}

/// Why a name is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left of it.
    #[error("must be the name of a file")]
    Empty,
    /// More characters than a name has.
    #[error("must be at most {MOST} characters; this has {0}")]
    TooLong(usize),
    /// Files of this name are not taken.
    #[error("must end in .pdf, .doc, .docx, .ppt, .pptx, .png, .jpg, .jpeg, .gif or .webp")]
    Extension,
}

impl FileName {
    /// The longest name, in characters.
    pub const MOST: usize = MOST;

    /// Takes the last part of what may be a path, without what is not to be shown.
    pub fn try_new(text: &str) -> Result<Self, NameError> {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let shown: String = last.chars().filter(|letter| !is_hidden(*letter)).collect();
        let shown = shown.trim_matches(|letter: char| letter.is_whitespace() || letter == '.');
        if shown.is_empty() {
            return Err(NameError::Empty);
        }
        let length = shown.chars().count();
        if length > MOST {
            return Err(NameError::TooLong(length));
        }
        let format = shown.rsplit_once('.').and_then(|(_, extension)| Format::of_extension(extension));
        Ok(Self { shown: shown.to_owned(), format: format.ok_or(NameError::Extension)? })
    }

    /// As people read it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// What its extension says that the file is.
    pub fn format(&self) -> Format {
        self.format
    }

    /// As a part of a key, with this extension: letters, digits and hyphens of ASCII.
    pub fn in_key(&self, extension: &str) -> String {
        let stem = self.shown.rsplit_once('.').map_or(self.shown.as_str(), |(stem, _)| stem);
        let words = stem.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut key = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
        key.truncate(MOST_IN_KEY);
        if key.is_empty() {
            key.push_str("file");
        }
        format!("{key}.{extension}")
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileName({:?}, {} characters)", self.format, self.shown.chars().count())
    }
}

/// Control characters; what joins, splits or turns text without being seen; and what starts a line.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(letter, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
