//! Whoever delivers messages: a folder, Resend, or an SMTP server. Each says of a request what is known of it afterwards,
//! and above all when nothing is.

mod folder;
mod resend;
mod smtp;

use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use serde_json::Value;
use uuid::Uuid;

use crate::MailError;
use crate::letter::{Eml, Letter};

pub use folder::Folder;
pub use resend::Resend;
pub use smtp::Smtp;

/// A provider.
#[derive(Debug)]
pub enum Provider {
    Folder(Folder),
    Resend(Resend),
    Smtp(Smtp),
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// What became of each message, in their order.
    Each(Vec<Fate>),
    /// Nothing of it was taken, and the whole of it would not be again: one of several messages may be the reason.
    Refused { why: String },
    /// Nothing of it was taken, and it may be tried later; `everybody` says whether others would fare no better.
    Later { why: String, after: Option<Duration>, everybody: bool },
    /// It may have been taken or not.
    Unknown { why: String, after: Option<Duration> },
    /// It may have been taken, and is never to be sent again.
    Contradicted { why: String },
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was taken, under an id of the provider's.
    Taken { id: Option<String> },
    /// It was not, and would not be again.
    Refused { why: String },
}

impl Provider {
    /// The name that requests are stored under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Resend(_) => "resend",
            Self::Smtp(_) => "smtp",
        }
    }

    /// Whether a person gets what is delivered, and not a folder.
    pub fn reaches_people(&self) -> bool {
        match self {
            Self::Folder(_) => false,
            Self::Resend(_) | Self::Smtp(_) => true,
        }
    }

    /// How many messages go in one request.
    pub fn batch_size(&self) -> i64 {
        match self {
            Self::Folder(_) | Self::Resend(_) => 100,
            // Each has an answer of its own, which is recorded before the next one goes.
            Self::Smtp(_) => 1,
        }
    }

    /// Whether the same request, sent again, is taken once.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Folder(_) | Self::Resend(_) => true,
            Self::Smtp(_) => false,
        }
    }

    /// A message as its part of a request; or why it can be none.
    pub fn part(&self, letter: &Letter, from: &Mailbox, at: DateTime<Utc>) -> Result<Value, String> {
        match self {
            Self::Folder(_) | Self::Smtp(_) => {
                let eml = letter.eml(from, at)?;
                serde_json::to_value(eml).map_err(|_| "the message cannot be written".to_owned())
            }
            Self::Resend(_) => Ok(resend::part(letter, from)),
        }
    }

    /// Hands a stored request over: a list of parts, byte for byte as it was stored.
    pub async fn deliver(&self, batch: Uuid, payload: &str) -> Result<Answer, MailError> {
        Ok(match self {
            Self::Folder(folder) => folder.deliver(serde_json::from_str::<Vec<Eml>>(payload)?).await,
            Self::Resend(resend) => resend.deliver(batch, payload.to_owned()).await,
            Self::Smtp(smtp) => smtp.deliver(serde_json::from_str::<Vec<Eml>>(payload)?).await,
        })
    }
}

/// The longest reason that is kept.
const LONGEST_REASON: usize = 300;

/// What a provider says, without the addresses that it repeats, and on one line of a bearable length.
fn discreet(said: &str) -> String {
    let words = said.split_whitespace().map(|word| if word.contains('@') { "…@…" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::discreet;

    #[test]
    fn no_reason_repeats_an_address() {
        assert_eq!(discreet("550 5.1.1 <anna@example.org>:\r\n unknown"), "550 5.1.1 …@… unknown");
        assert_eq!(discreet(&"a ".repeat(500)).chars().count(), 300);
    }
}
