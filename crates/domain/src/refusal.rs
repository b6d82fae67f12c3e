//! Why a command was refused: one type for every rule of every aggregate, each with a stable code.

use serde::Serialize;

use crate::cohort::ImportRule;
use crate::ids::StreamId;
use crate::plan::BatchRule;
use crate::world::Need;

/// A command that was not carried out. Nothing was appended.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The actor may not do this. It says so whether or not the thing exists.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// The command names something that is not in this site.
    #[error("there is no {} {} in this site", .0.kind, .0.id)]
    NotFound(StreamId),
    /// The command creates something under an id that is taken.
    #[error("there is already a {} {}", .0.kind, .0.id)]
    AlreadyExists(StreamId),
    /// Fields that are well formed but make no sense together.
    #[error("the command has invalid fields")]
    Invalid(Vec<InvalidField>),
    /// It was decided on something that its command did not ask for: a defect of this program, and nobody's fault who asks.
    #[error("the command was decided on {0}, which it did not ask for")]
    Unasked(Need),
    /// A rule of the domain.
    #[error("{rule}")]
    Rule {
        /// Which.
        rule: Rule,
        /// The student's name, for the refusal's text.
        student: Option<crate::Personal<String>>,
    },
}

/// A field that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InvalidField {
    /// A JSON pointer into the body.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

macro_rules! rules {
    ($(
        $(#[$doc:meta])*
        $module:ident: $state:ident, $id:ident, $event:ident, $command:ident, $facts:ident, $rule:ident;
    )*) => {
        /// A rule of any aggregate.
        #[derive(Clone, Debug, PartialEq, thiserror::Error)]
        pub enum Rule {
            $($(#[$doc])* #[error(transparent)] $state(#[from] crate::$module::$rule),)*
            /// Of a command over many streams.
            #[error(transparent)]
            Batch(#[from] BatchRule),
            /// Of a row of an imported file.
            #[error(transparent)]
            Import(#[from] ImportRule),
        }

        impl Rule {
            /// The stable name that clients hold on to, such as `student_held`.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$state(rule) => rule.into(),)*
                    Self::Batch(rule) => rule.into(),
                    Self::Import(rule) => rule.into(),
                }
            }
        }
    };
}

aggregates!(rules);

impl Refusal {
    /// A field that cannot be taken, by its JSON pointer.
    pub(crate) fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![InvalidField { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    /// The stable name that clients hold on to.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => "not_allowed",
            Self::NotFound(_) => "not_found",
            Self::AlreadyExists(_) => "already_exists",
            Self::Invalid(_) => "invalid_fields",
            Self::Unasked(_) => "internal_error",
            Self::Rule { rule, .. } => rule.code(),
        }
    }

    /// The refusal in words for whoever sent the command. It may hold names and reasons: not for logs.
    pub fn detail(&self) -> String {
        match self {
            Self::Rule { rule, student: Some(name) } => rule.to_string().replacen("the student", name.as_str(), 1),
            other => other.to_string(),
        }
    }
}

impl<R: Into<Rule>> From<R> for Refusal {
    fn from(rule: R) -> Self {
        Self::Rule { rule: rule.into(), student: None }
    }
}
