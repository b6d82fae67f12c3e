//! What can be found: each violation says what was expected and what there is.

use std::fmt;

use serde_json::Value;
use uuid::Uuid;

/// A claim: who holds which key in which site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The site.
    pub site: Uuid,
    /// What is claimed.
    pub kind: String,
    /// The key, as the table holds it.
    pub key: String,
    /// Who holds it.
    pub owner: Uuid,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Violation {
    /// Positions are not 1, 2, 3, …
    Position {
        /// What should have come.
        expected: i64,
        /// What came.
        found: i64,
    },
    /// The sequences of a stream are not 1, 2, 3, … in the order of the log.
    Sequence {
        /// The stream.
        stream: String,
        /// Where.
        position: i64,
        /// What should have come.
        expected: i64,
        /// What came.
        found: i64,
    },
    /// An event says in its metadata that another command made it.
    Metadata {
        /// Where.
        position: i64,
    },
    /// Events say that a command made them, and there is no such command.
    NoCommand {
        /// The command.
        command: Uuid,
        /// Its first event.
        position: i64,
    },
    /// A command is there twice.
    CommandTwice {
        /// The command.
        command: Uuid,
    },
    /// A command's row and the log say different things.
    Command {
        /// The command.
        command: Uuid,
        /// What.
        what: String,
    },
    /// A command was acknowledged and is not there.
    Lost {
        /// The command.
        command: Uuid,
    },
    /// A receipt and the log say different things.
    Receipt {
        /// The command.
        command: Uuid,
        /// What.
        what: String,
    },
    /// Two owners hold a key at once, by the log.
    ClaimedTwice {
        /// The second one's.
        claim: Claim,
        /// Where the second one takes it.
        position: i64,
    },
    /// The log says that a claim is held, and the table does not.
    ClaimMissing(Claim),
    /// The table says that a claim is held, and the log does not.
    ClaimTooMany(Claim),
    /// A row of a read model is not what the log says, or stands still.
    Model {
        /// The read model.
        name: String,
        /// The row in the table.
        live: Option<Value>,
        /// The row that the log makes.
        rebuilt: Option<Value>,
    },
    /// A row beside the log was acknowledged and is not there.
    LostRow {
        /// What.
        row: String,
    },
    /// Something is still open that everybody has given up.
    LeftOpen {
        /// What.
        what: String,
    },
    /// A read model does not follow the log.
    Behind {
        /// The read model.
        name: String,
        /// What it says of itself.
        what: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position { expected, found } => write!(f, "position {expected} should come, and {found} does"),
            Self::Sequence { stream, position, expected, found } => {
                write!(f, "position {position}: {stream} goes on with {found} and not with {expected}")
            }
            Self::Metadata { position } => write!(f, "position {position}: its metadata names another command"),
            Self::NoCommand { command, position } => {
                write!(f, "position {position}: there is no command {command}, which should have made it")
            }
            Self::CommandTwice { command } => write!(f, "command {command} is there twice"),
            Self::Command { command, what } => write!(f, "command {command}: {what}"),
            Self::Lost { command } => write!(f, "command {command} was acknowledged and is lost"),
            Self::Receipt { command, what } => write!(f, "the receipt of command {command}: {what}"),
            Self::ClaimedTwice { claim, position } => write!(f, "position {position}: {claim} is held by another one"),
            Self::ClaimMissing(claim) => write!(f, "{claim} is missing"),
            Self::ClaimTooMany(claim) => write!(f, "{claim} is there, and should not be"),
            Self::Model { name, live, rebuilt } => {
                let side = |row: &Option<Value>| row.as_ref().map_or("no such row".to_owned(), Value::to_string);
                write!(f, "a row of {name}\n  table  {}\n  log    {}", side(live), side(rebuilt))
            }
            Self::LostRow { row } => write!(f, "{row} was acknowledged and is lost"),
            Self::LeftOpen { what } => write!(f, "left open: {what}"),
            Self::Behind { name, what } => write!(f, "read model {name}: {what}"),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the claim {} {} of {}", self.kind, self.key, self.owner)
    }
}
