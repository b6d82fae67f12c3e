//! What an API key may do: read, or issue some commands; never both, and never anything about accounts.

use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::command::Command;

/// What an API key may do. A key that reads issues no command, and one that issues commands does not read: what a key gives away
/// when it is lost is one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum KeyScope {
    /// `read`: everything that its person may read, and no command.
    Read(ReadOnly),
    /// These commands, as far as its person may issue them, and nothing else: reading is not included.
    Commands(#[schemars(length(min = 1))] BTreeSet<CommandName>),
}

/// The word `read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadOnly {
    /// See [`KeyScope::Read`].
    Read,
}

impl KeyScope {
    /// Reads everything that its person may.
    pub const READ: Self = Self::Read(ReadOnly::Read);

    /// Whether it lets a command of that name through.
    pub fn allows(&self, command: &str) -> bool {
        match self {
            Self::Read(_) => false,
            Self::Commands(names) => names.iter().any(|name| name.as_str() == command),
        }
    }

    /// Whether it reads.
    pub fn reads(&self) -> bool {
        matches!(self, Self::Read(_))
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(_) => f.write_str("read"),
            Self::Commands(names) => {
                let names: Vec<_> = names.iter().map(CommandName::as_str).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// The name of a command that clients may send. Read from the log it may be one of the past, which then allows nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandName(String);

/// There is no such command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no command {0}")]
pub struct NoSuchCommand(pub String);

impl CommandName {
    /// The name of a command there is.
    pub fn try_new(name: &str) -> Result<Self, NoSuchCommand> {
        if Command::NAMES.contains(&name) { Ok(Self(name.to_owned())) } else { Err(NoSuchCommand(name.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for CommandName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CommandName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Command::NAMES })
    }
}
