//! What is recorded of a request, by what its provider says and by what was known before. Pure but for the jitter of pauses.

use chrono::{DateTime, Utc};
use rollbook_projections::models::emails::EmailStatus;

use crate::patience;
use crate::provider::{Answer, Fate};
use crate::queue::Becomes;

/// What is known of a request before its answer.
#[derive(Clone, Debug)]
pub struct Tried {
    /// When it was sent first.
    pub began_at: DateTime<Utc>,
    /// How often it was sent.
    pub times: u32,
    /// Whether it was sent before, and nobody knows whether it was taken then.
    pub in_doubt: bool,
    /// Whether the same request, sent again, is taken once.
    pub repeatable: bool,
    /// How often each of its messages was handed over, in any request.
    pub attempts: Vec<u32>,
}

/// What is recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// What became of every message, in their order; and until when the provider takes nothing, if it says so.
    Settled { fates: Vec<Becomes>, closed_until: Option<DateTime<Utc>> },
    /// Nobody knows yet: the same request is sent again then.
    Again { why: String, next: DateTime<Utc> },
}

impl Tried {
    /// What an answer comes to.
    pub fn verdict(&self, answer: Answer, now: DateTime<Utc>) -> Verdict {
        match answer {
            Answer::Each(fates) => settled(self.each(fates)),
            Answer::Refused { why } if self.attempts.len() == 1 => self.all(&Becomes::new(EmailStatus::Failed, why)),
            // One of them may be the reason, so each is tried by itself.
            Answer::Refused { why } => {
                self.all(&Becomes { again: Some(now), alone: true, ..Becomes::new(EmailStatus::Waiting, why) })
            }
            Answer::Contradicted { why } => self.all(&Becomes::new(EmailStatus::Unconfirmed, why)),
            // Nothing was taken, now or before: the messages can go in other requests.
            Answer::Later { why, after, everybody } if !self.in_doubt => {
                let most = self.attempts.iter().copied().max().unwrap_or(self.times);
                let next = patience::again(now, most, after);
                let fate = |attempts: &u32| {
                    let given_up = *attempts >= patience::MAX_ATTEMPTS;
                    let status = if given_up { EmailStatus::Failed } else { EmailStatus::Waiting };
                    Becomes { again: Some(next), ..Becomes::new(status, why.clone()) }
                };
                let fates = self.attempts.iter().map(fate).collect();
                Verdict::Settled { fates, closed_until: everybody.then_some(next) }
            }
            Answer::Later { why, after, everybody: _ } | Answer::Unknown { why, after } => {
                let next = patience::again(now, self.times, after);
                let patient = self.times < patience::MAX_ATTEMPTS && patience::may_be_repeated(self.began_at, next);
                if self.repeatable && patient {
                    Verdict::Again { why, next }
                } else {
                    self.all(&Becomes::new(EmailStatus::Unconfirmed, why))
                }
            }
        }
    }

    /// What becomes of each message. One that the provider says nothing of may have been taken or not.
    fn each(&self, fates: Vec<Fate>) -> Vec<Becomes> {
        let silence = Becomes::new(EmailStatus::Unconfirmed, "the provider said nothing of it".to_owned());
        let fates = fates.into_iter().map(|fate| match fate {
            Fate::Taken { id } => Becomes { provider_id: id, ..Becomes::new(EmailStatus::Sent, None) },
            Fate::Refused { why } => Becomes::new(EmailStatus::Failed, why),
        });
        fates.chain(std::iter::repeat(silence)).take(self.attempts.len()).collect()
    }

    fn all(&self, fate: &Becomes) -> Verdict {
        settled(vec![fate.clone(); self.attempts.len()])
    }
}

fn settled(fates: Vec<Becomes>) -> Verdict {
    Verdict::Settled { fates, closed_until: None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    /// The first request with these messages.
    fn first(attempts: &[u32]) -> Tried {
        Tried { began_at: NOW, times: 1, in_doubt: false, repeatable: true, attempts: attempts.to_vec() }
    }

    fn unknown() -> Answer {
        Answer::Unknown { why: "silence".to_owned(), after: None }
    }

    fn later(after: Option<Duration>, everybody: bool) -> Answer {
        Answer::Later { why: "busy".to_owned(), after, everybody }
    }

    fn statuses(verdict: Verdict) -> Vec<EmailStatus> {
        match verdict {
            Verdict::Settled { fates, .. } => fates.into_iter().map(|fate| fate.status).collect(),
            again @ Verdict::Again { .. } => panic!("{again:?}"),
        }
    }

    #[test]
    fn what_the_provider_says_of_a_message_is_what_becomes_of_it() {
        let taken = Fate::Taken { id: Some("a".to_owned()) };
        let refused = Fate::Refused { why: "no mailbox".to_owned() };
        let verdict = first(&[1, 1, 1]).verdict(Answer::Each(vec![taken, refused]), NOW);
        assert_eq!(statuses(verdict), [EmailStatus::Sent, EmailStatus::Failed, EmailStatus::Unconfirmed]);
    }

    #[test]
    fn a_refusal_fails_a_message_alone_and_several_are_tried_one_by_one() {
        let refused = || Answer::Refused { why: "bad".to_owned() };
        assert_eq!(statuses(first(&[1]).verdict(refused(), NOW)), [EmailStatus::Failed]);
        let Verdict::Settled { fates, .. } = first(&[1, 1]).verdict(refused(), NOW) else { panic!("a verdict") };
        let alone = |fate: &Becomes| fate.alone && fate.status == EmailStatus::Waiting && fate.again == Some(NOW);
        assert!(fates.iter().all(alone), "{fates:?}");
    }

    #[test]
    fn where_nothing_was_taken_the_messages_wait_for_a_bounded_time() {
        let wait = Duration::from_secs(90);
        let verdict = first(&[1, patience::MAX_ATTEMPTS]).verdict(later(Some(wait), true), NOW);
        let Verdict::Settled { fates, closed_until } = verdict else { panic!("a verdict") };
        assert!(closed_until.is_some_and(|until| until >= NOW + TimeDelta::seconds(90)));
        assert_eq!(fates[0].status, EmailStatus::Waiting);
        assert_eq!(fates[1].status, EmailStatus::Failed);
        let Verdict::Settled { closed_until, .. } = first(&[1]).verdict(later(None, false), NOW) else { panic!() };
        assert_eq!(closed_until, None, "another address may fare better");
    }

    #[test]
    fn what_may_have_been_taken_is_repeated_as_it_was_or_never() {
        assert!(matches!(first(&[1]).verdict(unknown(), NOW), Verdict::Again { .. }));
        let in_doubt = Tried { in_doubt: true, times: 2, ..first(&[2]) };
        assert!(matches!(in_doubt.verdict(later(None, true), NOW), Verdict::Again { .. }), "taken before, perhaps");
        let never = [
            Tried { repeatable: false, ..first(&[1]) },
            Tried { times: patience::MAX_ATTEMPTS, ..in_doubt.clone() },
            Tried { began_at: NOW - TimeDelta::hours(23), ..in_doubt },
        ];
        for tried in never {
            assert_eq!(statuses(tried.verdict(unknown(), NOW)), [EmailStatus::Unconfirmed], "{tried:?}");
        }
        let contradicted = Answer::Contradicted { why: "another payload".to_owned() };
        assert_eq!(statuses(first(&[1]).verdict(contradicted, NOW)), [EmailStatus::Unconfirmed]);
    }
}
