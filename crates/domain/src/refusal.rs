//! Why a command was refused: one type for every rule of every aggregate, each with a stable code.

use serde::Serialize;

use crate::account::AccountRule;
use crate::cohort::CohortRule;
use crate::enrolment::EnrolmentRule;
use crate::hub::HubRule;
use crate::ids::StreamId;
use crate::module::ModuleRule;
use crate::person::PersonRule;
use crate::plan::{ImportRule, PlanRule};
use crate::site::SiteRule;
use crate::site_settings::SiteSettingsRule;
use crate::syllabus::SyllabusRule;
use crate::week_emails::WeekEmailsRule;

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

/// A rule of any aggregate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rule {
    /// Of a person.
    #[error(transparent)]
    Person(#[from] PersonRule),
    /// Of a module.
    #[error(transparent)]
    Module(#[from] ModuleRule),
    /// Of a cohort.
    #[error(transparent)]
    Cohort(#[from] CohortRule),
    /// Of a hub.
    #[error(transparent)]
    Hub(#[from] HubRule),
    /// Of an enrolment.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentRule),
    /// Of a command over many enrolments.
    #[error(transparent)]
    Plan(#[from] PlanRule),
    /// Of a syllabus.
    #[error(transparent)]
    Syllabus(#[from] SyllabusRule),
    /// Of a row of an imported file.
    #[error(transparent)]
    Import(#[from] ImportRule),
    /// Of a cohort's emails.
    #[error(transparent)]
    WeekEmails(#[from] WeekEmailsRule),
    /// Of an account.
    #[error(transparent)]
    Account(#[from] AccountRule),
    /// Of a site.
    #[error(transparent)]
    Site(#[from] SiteRule),
    /// Of a site's settings.
    #[error(transparent)]
    SiteSettings(#[from] SiteSettingsRule),
}

impl Rule {
    /// The stable name that clients hold on to, such as `student_held`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Person(rule) => rule.into(),
            Self::Module(rule) => rule.into(),
            Self::Cohort(rule) => rule.into(),
            Self::Hub(rule) => rule.into(),
            Self::Enrolment(rule) => rule.into(),
            Self::Plan(rule) => rule.into(),
            Self::Syllabus(rule) => rule.into(),
            Self::Import(rule) => rule.into(),
            Self::WeekEmails(rule) => rule.into(),
            Self::Account(rule) => rule.into(),
            Self::Site(rule) => rule.into(),
            Self::SiteSettings(rule) => rule.into(),
        }
    }
}

impl Refusal {
    /// The stable name that clients hold on to.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => "not_allowed",
            Self::NotFound(_) => "not_found",
            Self::AlreadyExists(_) => "already_exists",
            Self::Invalid(_) => "invalid_fields",
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
