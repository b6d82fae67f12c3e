//! An SMTP server, through lettre. SMTP knows no idempotency: what is not known to have failed is never sent again.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::{Answer, Fate, discreet};
use crate::config::{ConfigError, Secret};
use crate::letter::Eml;

/// How long a step of the conversation may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server, with its connections.
#[derive(Debug)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Smtp {
    pub fn try_new(url: &Secret) -> Result<Self, ConfigError> {
        let builder =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal()).map_err(|_| ConfigError::BadSmtpUrl)?;
        Ok(Self { transport: builder.timeout(Some(TIMEOUT)).build() })
    }

    /// Sends messages; what is said of a request is said of its only one.
    pub async fn deliver(&self, messages: Vec<Eml>) -> Answer {
        let mut fates = Vec::with_capacity(messages.len());
        for message in messages {
            // Whoever cannot be connected to, or does not let us in, has taken nothing.
            if let Err(error) = self.transport.test_connection().await {
                let why = discreet(&format!("the SMTP server cannot be used: {error}"));
                return Answer::Later { why, after: None, everybody: true };
            }
            let Some(envelope) = envelope(&message) else {
                fates.push(Fate::Refused { why: "the address is none that a message can go to".to_owned() });
                continue;
            };
            match self.transport.send_raw(&envelope, message.source.as_str().as_bytes()).await {
                Ok(_) => fates.push(Fate::Taken { id: None }),
                Err(error) => match failed(&error) {
                    Ok(fate) => fates.push(fate),
                    Err(answer) => return answer,
                },
            }
        }
        Answer::Each(fates)
    }
}

fn envelope(message: &Eml) -> Option<Envelope> {
    let (from, to) = (message.from.parse().ok()?, message.to.as_str().parse().ok()?);
    Envelope::new(Some(from), vec![to]).ok()
}

/// What a failure says of the message.
fn failed(error: &Error) -> Result<Fate, Answer> {
    let why = discreet(&format!("the SMTP server says: {error}"));
    if error.is_permanent() || error.is_client() {
        Ok(Fate::Refused { why })
    } else if error.is_transient() {
        Err(Answer::Later { why, after: None, everybody: false })
    } else {
        Err(Answer::Unknown { why: "the SMTP server did not say whether it took the message".to_owned(), after: None })
    }
}
