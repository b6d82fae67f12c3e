//! One command, sent until it has an answer: under one key, whatever happens on the way. An answer that must never be is an
//! error, and so is none at all for minutes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use uuid::{Builder, Uuid};

use super::{Answered, Tally, Target, answered};
use crate::Error;

/// How long a command is sent again before the service is taken for lost.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(40);
/// In how many of a hundred cases a command is sent twice at once, and again after its acknowledgement.
const TWICE: u32 = 5;

/// What became of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Its receipt.
    Done(Value),
    /// A rule's code.
    Refused(String),
}

/// One answer.
enum Answer {
    Final(Outcome),
    /// It is not known whether the command was carried out.
    None,
}

/// Sends commands.
#[derive(Debug)]
pub struct Sender {
    target: Arc<Target>,
    tally: Arc<Tally>,
}

impl Sender {
    /// Sends there, and counts.
    pub fn new(target: Arc<Target>, tally: Arc<Tally>) -> Self {
        Self { target, tally }
    }

    /// Sends a command until it is answered. Its acknowledgement is in the file when this is done.
    pub async fn send(&self, random: &mut StdRng, name: &str, body: &Value) -> Result<Outcome, Error> {
        let key = key(random);
        let began = Instant::now();
        loop {
            let answer = if random.random_ratio(TWICE, 100) {
                self.tally.count(|figures| figures.doubled += 1);
                let (one, other) = (self.target.url(random), self.target.url(random));
                let (one, other) = tokio::join!(self.once(one, key, name, body), self.once(other, key, name, body));
                agreed(key, one?, other?)?
            } else {
                self.once(self.target.url(random), key, name, body).await?
            };
            match answer {
                Answer::Final(Outcome::Done(receipt)) => {
                    self.target.acknowledged.write(&receipt)?;
                    self.tally.acknowledge();
                    if random.random_ratio(TWICE, 100) {
                        self.tally.count(|figures| figures.doubled += 1);
                        let again = self.once(self.target.url(random), key, name, body).await?;
                        agreed(key, Answer::Final(Outcome::Done(receipt.clone())), again)?;
                    }
                    return Ok(Outcome::Done(receipt));
                }
                Answer::Final(refused) => {
                    self.tally.count(|figures| figures.refused += 1);
                    return Ok(refused);
                }
                Answer::None if began.elapsed() > PATIENCE => {
                    return Err(Error::Broken(format!("{name} {key} has no answer since {PATIENCE:?}")));
                }
                Answer::None => tokio::time::sleep(Duration::from_millis(random.random_range(5..60))).await,
            }
        }
    }

    /// Sends a command that must be carried out; its receipt.
    pub async fn must(&self, random: &mut StdRng, name: &str, body: &Value) -> Result<Value, Error> {
        match self.send(random, name, body).await? {
            Outcome::Done(receipt) => Ok(receipt),
            Outcome::Refused(code) => Err(Error::Broken(format!("{name} is refused: {code}"))),
        }
    }

    /// Reads the first enrolment that a command concerned, at its position: whichever process answers must know at least
    /// what the receipt says.
    pub async fn reads_its_own(&self, random: &mut StdRng, receipt: &Value) -> Result<(), Error> {
        let streams = receipt["streams"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(stream) = streams.iter().find(|stream| stream["type"] == "enrolment") else { return Ok(()) };
        let path = format!("/v1/enrolments/{}", stream["id"].as_str().unwrap_or_default());
        let url = format!("{}{path}?min_position={}", self.target.url(random), receipt["position"]);
        let request = self.target.client.get(url).bearer_auth(&self.target.token).timeout(TIMEOUT);
        let Answered { status: Some(status), headers, json, .. } = answered(request).await else {
            self.tally.count(|figures| figures.unanswered += 1);
            return Ok(());
        };
        let position = headers.get("rollbook-position").and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
        let version = json["version"].as_i64();
        match status {
            503 => return self.later(&headers),
            200 if position >= receipt["position"].as_i64() && version >= stream["version"].as_i64() => {}
            _ => {
                let asked = format!("{path} at {}, version {}", receipt["position"], stream["version"]);
                return Err(Error::Broken(format!("{asked}: {status}, of {position:?}, version {version:?}")));
            }
        }
        self.tally.count(|figures| figures.reads += 1);
        Ok(())
    }

    /// Sends a command once.
    async fn once(&self, url: &str, key: Uuid, name: &str, body: &Value) -> Result<Answer, Error> {
        let request = self.target.client.post(format!("{url}/v1/commands/{name}")).bearer_auth(&self.target.token);
        let request = request.header("Idempotency-Key", key.to_string()).json(body).timeout(TIMEOUT);
        let Answered { status: Some(status), headers, json, text } = answered(request).await else {
            self.tally.count(|figures| figures.unanswered += 1);
            return Ok(Answer::None);
        };
        match (status, json["code"].as_str()) {
            (200, _) if json["command_id"] == key.to_string() => Ok(Answer::Final(Outcome::Done(json))),
            (503, Some(_)) => {
                self.later(&headers)?;
                Ok(Answer::None)
            }
            (403 | 404 | 409, Some(code)) => Ok(Answer::Final(Outcome::Refused(code.to_owned()))),
            _ => Err(Error::Broken(format!("{name} {key}: {status} {text}"))),
        }
    }

    /// An answer that says "not now" must say when, and be a problem like any other.
    fn later(&self, headers: &HeaderMap) -> Result<(), Error> {
        self.tally.count(|figures| figures.unavailable += 1);
        let has = |name, value: Option<&str>| headers.get(name).is_some_and(|is| value.is_none_or(|value| is == value));
        if has(RETRY_AFTER, None) && has(CONTENT_TYPE, Some("application/problem+json")) {
            Ok(())
        } else {
            Err(Error::Broken(format!("a 503 without Retry-After, or no problem: {headers:?}")))
        }
    }
}

/// Two answers to one key: the same receipt. A refusal is no receipt, and what is refused now may be carried out then.
fn agreed(key: Uuid, one: Answer, other: Answer) -> Result<Answer, Error> {
    match (one, other) {
        (Answer::Final(Outcome::Done(one)), Answer::Final(Outcome::Done(other))) if one != other => {
            Err(Error::Broken(format!("two receipts of {key}: {one} and {other}")))
        }
        (done @ Answer::Final(Outcome::Done(_)), _) | (_, done @ Answer::Final(Outcome::Done(_))) => Ok(done),
        // One is refused and the other may yet be carried out.
        (Answer::None, _) | (_, Answer::None) => Ok(Answer::None),
        (refused, _) => Ok(refused),
    }
}

fn key(random: &mut StdRng) -> Uuid {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}
