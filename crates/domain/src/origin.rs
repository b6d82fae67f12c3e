//! Whether somebody entered a fact by hand or a file said so: what is entered by hand, no file changes back. It never says
//! who; the log does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a fact comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody entered it.
    #[default]
    Hand,
    /// An imported file said so.
    File,
}

impl Origin {
    /// Whether somebody entered it: what events leave out, so that those written before there were files read the same.
    pub fn is_by_hand(&self) -> bool {
        *self == Self::Hand
    }
}
