//! Text as commands take it: bounded, trimmed, without control characters. Events keep plain strings, so that a limit
//! changed here never makes an old event unreadable.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::personal::Personal;

/// 1 to `MAX` characters after trimming; line breaks and tabs are the only control characters allowed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MAX: usize>(String);

/// A person's, cohort's or hub's name, and other single labels.
pub type Name = Text<200>;
/// A module's or a material's title.
pub type Title = Text<200>;
/// A module's code, as on a timetable.
pub type Code = Text<40>;
/// Why somebody decided something.
pub type Reason = Text<2_000>;
/// A remark beside an attendance mark.
pub type Note = Text<2_000>;
/// A reflection, as the domain page bounds it.
pub type ReflectionText = Text<20_000>;
/// A marker's written comment.
pub type Feedback = Text<20_000>;
/// What a week's reflection is about.
pub type Question = Text<2_000>;
/// What a material consists of: a link, an upload's id, or a page.
pub type MaterialText = Text<100_000>;
/// An id that another system gave a person.
pub type ExternalId = Text<200>;

/// The rules of [`Text`] but for its length: something that is not white space, and no control characters.
const PATTERN: &str = concat!(
    r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u001f\u007f-\u009f\s]",
    r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
);

/// Why a text was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// More characters than the field takes.
    #[error("must be at most {max} characters; this has {actual}")]
    TooLong {
        /// The most characters the field takes.
        max: usize,
        /// How many there were.
        actual: usize,
    },
    /// A control character that is neither a line break nor a tab.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// Not an address.
    #[error("must be an email address such as anna@example.org")]
    NotAnEmail,
}

impl<const MAX: usize> Text<MAX> {
    /// Trims and checks.
    pub fn try_new(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        let actual = text.chars().count();
        if actual > MAX {
            return Err(TextError::TooLong { max: MAX, actual });
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(TextError::ControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::try_new(&text)
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<const MAX: usize> From<&Text<MAX>> for Personal<String> {
    fn from(text: &Text<MAX>) -> Self {
        Self::new(text.0.clone())
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.0.chars().count())
    }
}

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Text{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX, "pattern": PATTERN })
    }
}

/// An email address. Two that differ in case only are the same one; the case given is kept for display.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The longest address that mail servers must take (RFC 5321).
    pub const MAX: usize = 254;

    /// Trims and checks the shape `local@domain.tld`; whether anybody reads it, only a message can tell.
    pub fn try_new(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        let actual = text.chars().count();
        if actual > Self::MAX {
            return Err(TextError::TooLong { max: Self::MAX, actual });
        }
        let well_formed = text.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.chars().count() <= 64
                && !local.contains('@')
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty())
        });
        if !well_formed || text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c)) {
            return Err(TextError::NotAnEmail);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The form in which two addresses are compared.
pub fn email_key(address: &str) -> String {
    address.trim().to_lowercase()
}

impl TryFrom<String> for Email {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::try_new(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl From<&Email> for Personal<String> {
    fn from(email: &Email) -> Self {
        Self::new(email.0.clone())
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        email_key(&self.0) == email_key(&other.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl JsonSchema for Email {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Email".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "email", "maxLength": Self::MAX })
    }
}

#[cfg(test)]
mod tests;
