//! What became of a row, as previews and receipts tell it: numbers, codes and ids, and nothing personal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{EnrolmentId, PersonId};
use crate::refusal::Rule;

/// What became of a row.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RowOutcome {
    /// Somebody new was registered and enrolled; of attendance, a first mark.
    New,
    /// Somebody known was enrolled.
    Known,
    /// Somebody enrolled is, meets or is called otherwise now; of attendance, another mark.
    Updated,
    /// It was so already.
    Unchanged,
    /// It breaks a rule, and was left.
    Wrong,
}

/// A row, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedRow {
    /// Where it stands in the file.
    pub number: u32,
    /// What became of it.
    pub outcome: RowOutcome,
    /// Of attendance: of which week the cell is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<u8>,
    /// Where the reason lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The stable name of the rule that it breaks, or of what there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the file says otherwise, and stays as somebody entered it by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<PersonId>,
    /// Which enrolment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolment_id: Option<EnrolmentId>,
}

impl ImportedRow {
    /// A row with nothing more to say.
    pub fn new(number: u32, outcome: RowOutcome) -> Self {
        Self {
            number,
            outcome,
            week: None,
            column: None,
            code: None,
            reason: None,
            kept: Vec::new(),
            person_id: None,
            enrolment_id: None,
        }
    }

    /// A row that cannot be taken.
    pub fn wrong(number: u32, column: Option<&str>, code: &str, reason: impl Into<String>) -> Self {
        Self {
            column: column.map(str::to_owned),
            code: Some(code.to_owned()),
            reason: Some(reason.into()),
            ..Self::new(number, RowOutcome::Wrong)
        }
    }

    /// With something to say about it.
    pub(super) fn because(self, rule: &Rule) -> Self {
        Self { code: Some(rule.code().to_owned()), reason: Some(rule.to_string()), ..self }
    }
}

/// Why a row is left, and where that lies.
pub(super) struct Wrong {
    column: Option<&'static str>,
    rule: Rule,
}

impl Wrong {
    /// A reason that lies in one column.
    pub(super) fn at(column: &'static str, rule: impl Into<Rule>) -> Self {
        Self { column: Some(column), rule: rule.into() }
    }

    /// A reason that lies in no column.
    pub(super) fn row(rule: impl Into<Rule>) -> Self {
        Self { column: None, rule: rule.into() }
    }

    /// The row as it is told.
    pub(super) fn told(&self, number: u32) -> ImportedRow {
        ImportedRow::wrong(number, self.column, self.rule.code(), self.rule.to_string())
    }
}
