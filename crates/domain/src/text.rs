//! Text as commands take it: bounded, trimmed, without control characters; names in the one form of a line. Events keep
//! plain strings, so that a rule changed here never makes an old event unreadable.

mod line;
mod script;

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::personal::Personal;

/// 1 to `MAX` characters, in a form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound = "F: Form")]
pub struct Text<const MAX: usize, F: Form = Prose>(String, PhantomData<F>);

/// What a text may consist of.
pub trait Form: Clone {
    /// The same as JSON schemas say it.
    const PATTERN: &'static str;

    /// The text in its form, trimmed; empty where there is nothing.
    fn normal(text: &str) -> Result<String, TextError>;
}

/// Paragraphs: line breaks and tabs are the only control characters.
#[derive(Clone, PartialEq, Eq)]
pub enum Prose {}

/// One line of what can be seen: a name. See `line`.
#[derive(Clone, PartialEq, Eq)]
pub enum Line {}

/// A person's, cohort's or hub's name, and other single labels.
pub type Name = Text<200, Line>;
/// A module's or a material's title.
pub type Title = Text<200, Line>;
/// A module's code, as on a timetable.
pub type Code = Text<40, Line>;
/// Why somebody decided something.
pub type Reason = Text<2_000>;
/// A remark beside an attendance mark.
pub type Note = Text<2_000>;
/// A reflection, as docs/domain.md bounds it.
pub type ReflectionText = Text<20_000>;
/// A marker's written comment.
pub type Feedback = Text<20_000>;
/// What a week's reflection is about.
pub type Question = Text<2_000>;
/// What a material consists of: a link, an upload's id, or a page.
pub type MaterialText = Text<100_000>;
/// An id that another system gave a person.
pub type ExternalId = Text<200>;

impl Form for Prose {
    const PATTERN: &'static str = concat!(
        r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*",
        r"[^\u0000-\u001f\u007f-\u009f\s]",
        r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
    );

    fn normal(text: &str) -> Result<String, TextError> {
        let text = text.trim();
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(TextError::ControlCharacter);
        }
        Ok(text.to_owned())
    }
}

impl Form for Line {
    const PATTERN: &'static str = concat!(
        r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*",
        r"[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\s]",
        r"[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$",
    );

    fn normal(text: &str) -> Result<String, TextError> {
        line::normal(text)
    }
}

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
    /// More than a line.
    #[error("must be one line")]
    LineBreak,
    /// A character that makes what follows run the other way.
    #[error("must not contain U+{:04X}, which turns the direction of writing", u32::from(*.0))]
    Direction(char),
    /// A character that Unicode gives no meaning to.
    #[error("must not contain U+{:04X}, which stands for no character", u32::from(*.0))]
    NoCharacter(char),
    /// A character that cannot be seen.
    #[error("must not contain U+{:04X}, which cannot be seen", u32::from(*.0))]
    Unseen(char),
    /// A character that no address is written with, but only what is to look like one.
    #[error("must not contain U+{:04X}: addresses have plain letters, marks and digits, and the signs of ASCII", u32::from(*.0))]
    LooksLikeAnother(char),
    /// Not an address.
    #[error("must be an email address such as anna@example.org")]
    NotAnEmail,
    /// Letters of one script among another's, which they may look like.
    #[error("must not mix scripts within a word: some of its letters are not what they look like")]
    MixedScripts,
}

/// How many times as long as it may be a text comes in, with what its form leaves out: blanks, and marks apart from letters.
const LEFT_OUT: usize = 8;

impl<const MAX: usize, F: Form> Text<MAX, F> {
    /// Brings a text to its form, and checks it.
    pub fn try_new(text: &str) -> Result<Self, TextError> {
        // What comes to more than a form can make of it is not looked at any closer.
        if text.chars().nth(MAX * LEFT_OUT).is_some() {
            return Err(TextError::TooLong { max: MAX, actual: text.chars().count() });
        }
        let text = F::normal(text)?;
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        let actual = text.chars().count();
        if actual > MAX {
            return Err(TextError::TooLong { max: MAX, actual });
        }
        Ok(Self(text, PhantomData))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize, F: Form> TryFrom<String> for Text<MAX, F> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::try_new(&text)
    }
}

impl<const MAX: usize, F: Form> From<Text<MAX, F>> for String {
    fn from(text: Text<MAX, F>) -> Self {
        text.0
    }
}

impl<const MAX: usize, F: Form> From<&Text<MAX, F>> for Personal<String> {
    fn from(text: &Text<MAX, F>) -> Self {
        Self::new(text.0.clone())
    }
}

impl<const MAX: usize, F: Form> fmt::Debug for Text<MAX, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.0.chars().count())
    }
}

impl<const MAX: usize, F: Form> JsonSchema for Text<MAX, F> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Text{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX, "pattern": F::PATTERN })
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

/// An email address that somebody is to have from now on: all of it can be seen, it has only characters that words are
/// written with, and each of its words is in one script, so that it looks like no other (UTS 39). Addresses from before this rule are still found, by [`Email`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NewEmail(Email);

impl NewEmail {
    /// Trims, composes and checks.
    pub fn try_new(text: &str) -> Result<Self, TextError> {
        Self::try_from(Email::try_new(text)?)
    }

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<Email> for NewEmail {
    type Error = TextError;

    fn try_from(email: Email) -> Result<Self, TextError> {
        let email = Email(line::nfc(email.as_str()));
        let text = email.as_str();
        text.chars().try_for_each(line::check)?;
        if let Some(c) = text.chars().find(|c| line::is_unseen(*c)) {
            return Err(TextError::Unseen(c));
        }
        if let Some(c) = text.chars().find(|c| !script::is_of_words(*c)) {
            return Err(TextError::LooksLikeAnother(c));
        }
        // The parts of a host are words of their own; those before the @ are one, whatever stands between them.
        let (local, domain) = text.rsplit_once('@').ok_or(TextError::NotAnEmail)?;
        let single = script::is_single(local) && domain.split('.').all(script::is_single);
        if single { Ok(Self(email)) } else { Err(TextError::MixedScripts) }
    }
}

impl TryFrom<String> for NewEmail {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::try_new(&text)
    }
}

impl From<NewEmail> for Email {
    fn from(email: NewEmail) -> Self {
        email.0
    }
}

impl From<NewEmail> for String {
    fn from(email: NewEmail) -> Self {
        email.0.into()
    }
}

impl From<&NewEmail> for Personal<String> {
    fn from(email: &NewEmail) -> Self {
        Self::from(&email.0)
    }
}

impl JsonSchema for NewEmail {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NewEmail".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Email::json_schema(generator)
    }
}

/// The form in which two names are compared that differ in case only; a name from before names had a form counts as it
/// would be written today.
pub fn name_key(name: &str) -> String {
    line::normal(name).unwrap_or_else(|_| name.trim().to_owned()).to_lowercase()
}

/// The form in which two addresses are compared: composed, and in lower case.
pub fn email_key(address: &str) -> String {
    line::nfc(&address.trim().to_lowercase())
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
