//! What attackers were answered with, counted: by status, and by what else may become of a connection.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The connection ended without an answer.
pub const CUT: &str = "cut";
/// There was no answer up to the end of the attack.
pub const UNANSWERED: &str = "unanswered";
/// A connection was opened that is nobody's client.
pub const OPENED: &str = "opened";
/// Such a connection was still open at the end of the attack.
pub const HELD: &str = "held";
/// The service came to a server that is a fake.
pub const REACHED: &str = "reached";

/// Whom the service does not know, or what it does not have.
const MISTAKEN: [&str; 3] = ["401", "404", "421"];

/// How often what came back, for any number of attackers.
#[derive(Debug, Default)]
pub struct Answers(watch::Sender<Counts>);

/// How often what came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(BTreeMap<String, u64>);

impl Answers {
    /// Counts one.
    pub fn count(&self, what: &str) {
        self.0.send_modify(|counts| *counts.0.entry(what.to_owned()).or_default() += 1);
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.0.borrow().clone()
    }

    /// Waits until the counts are like this.
    pub async fn are(&self, like_this: impl FnMut(&Counts) -> bool) {
        // The sender is here, so that there is no error.
        let _ = self.0.subscribe().wait_for(like_this).await;
    }
}

impl Counts {
    /// How many came back in all.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Whether there was any of this.
    pub fn has(&self, what: &str) -> bool {
        self.0.contains_key(what)
    }

    /// Whether this was an attack: something came of it besides being taken for somebody unknown, or for nothing that
    /// there is.
    pub fn struck(&self) -> bool {
        let connections = [OPENED, HELD, CUT, UNANSWERED];
        let mistaken = MISTAKEN.iter().any(|what| self.has(what));
        let answered = self.0.keys().any(|what| !MISTAKEN.iter().chain(&connections).any(|other| other == what));
        answered || (self.has(OPENED) && !mistaken)
    }

    /// Adds others.
    pub fn add(&mut self, others: &Self) {
        for (what, count) in &others.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: Vec<_> = self.0.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let counts: Vec<_> = counts.into_iter().map(|(what, count)| format!("{what}×{count}")).collect();
        f.write_str(&counts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_not_let_in_at_all_has_attacked_nobody() {
        let answers = Answers::default();
        for status in ["401", "401", "404"] {
            answers.count(status);
        }
        answers.count(CUT);
        answers.count(UNANSWERED);
        assert!(!answers.counts().struck());
        answers.count(OPENED);
        assert!(!answers.counts().struck(), "what it was opened for is not there");
        answers.count("403");
        answers.count("401");
        let counts = answers.counts();
        assert!(counts.struck() && counts.total() == 8, "{counts}");
        assert_eq!(counts.to_string(), "401×3 403×1 404×1 cut×1 opened×1 unanswered×1");
    }

    #[test]
    fn an_open_connection_is_an_attack_by_itself() {
        let answers = Answers::default();
        answers.count(OPENED);
        assert!(answers.counts().struck());
    }
}
