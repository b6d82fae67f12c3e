//! Whether a message may still be sent, by what is known of its student or person now. Pure.

use chrono::{DateTime, Utc};
use rollbook_domain::MessageId;
use rollbook_domain::cohort::CohortStatus;
use rollbook_domain::enrolment::EnrolmentStatus;
use rollbook_projections::models::emails::{EmailKind, MAX_AGE};

use crate::queue::{Candidate, MessageContext, NoticeContext};
use crate::templates::{About, Notice, Occasion, Session};

/// What is to be done with a message.
#[derive(Debug)]
pub enum Judgement {
    Send(Occasion),
    /// It is about an account.
    Tell(Notice),
    /// Its student is not where it says any more, or it is overtaken.
    Skip(String),
    Expired,
    /// Nothing can be said now.
    NotNow,
}

/// Judges a message.
pub fn judge(candidate: &Candidate, now: DateTime<Utc>) -> Judgement {
    if candidate.since <= now - MAX_AGE {
        return Judgement::Expired;
    }
    if candidate.closed {
        return Judgement::NotNow;
    }
    if let Some(notice) = &candidate.notice {
        return tell(candidate.message_id, notice).map_or_else(|why| Judgement::Skip(why.to_owned()), Judgement::Tell);
    }
    let Some(known) = &candidate.known else { return Judgement::NotNow };
    let about = match known.kind {
        _ if !known.active => Err("the person is deactivated".to_owned()),
        EmailKind::WeekOpen => week_open(known),
        EmailKind::ReflectionMarked => marked(known, false),
        EmailKind::MarkAmended => marked(known, true),
    };
    match about {
        Ok(about) => Judgement::Send(Occasion {
            message_id: candidate.message_id,
            name: known.name.clone(),
            email: known.email.clone(),
            cohort: known.cohort.clone(),
            week: known.week,
            about,
        }),
        Err(why) => Judgement::Skip(why),
    }
}

/// How many letters of one kind about their account a person is sent in a day: enough to be warned, and too few to fill a mailbox
/// by signing in again and again. Each kind counts for itself, so that no noise keeps another warning out.
pub const MOST_OF_A_KIND: i64 = 3;

/// An account is told of to its person, while they may act, and to nobody too often.
fn tell(message_id: MessageId, known: &NoticeContext) -> Result<Notice, &'static str> {
    if !known.active {
        return Err("the person is deactivated");
    }
    if known.before >= MOST_OF_A_KIND {
        return Err("the person was sent enough letters of this kind within a day");
    }
    Ok(Notice {
        message_id,
        name: known.name.clone(),
        email: known.email.clone(),
        kind: known.kind,
        detail: known.detail.clone(),
        to_former: known.to_former,
        by_themselves: known.by_themselves,
        by: known.by.clone(),
        authority: known.authority,
        happened_at: known.happened_at,
        last_today: known.before + 1 == MOST_OF_A_KIND,
    })
}

/// A week is open to those who are in it, and go on.
fn week_open(known: &MessageContext) -> Result<About, String> {
    if known.status != EnrolmentStatus::Active {
        return Err(format!("the enrolment is {}", known.status));
    }
    if known.cohort_status != CohortStatus::Active {
        return Err(format!("the cohort is {}", known.cohort_status));
    }
    if known.student_week != known.week {
        return Err(format!("the student is in week {} now", known.student_week));
    }
    if known.held {
        return Err("the student is held".to_owned());
    }
    let session =
        known.session.as_ref().map(|s| Session { starts_at: s.starts_at, minutes: s.minutes, status: s.status });
    Ok(About::WeekOpen { session, zone: known.timezone })
}

/// A mark is for whoever wrote the reflection, held or not, and also when the run is over; but not for those who left.
fn marked(known: &MessageContext, amended: bool) -> Result<About, String> {
    if known.status == EnrolmentStatus::Withdrawn {
        return Err(format!("the enrolment is {}", known.status));
    }
    if known.superseded {
        return Err("the mark was changed since".to_owned());
    }
    match (known.outcome, &known.feedback) {
        (Some(outcome), Some(feedback)) => Ok(About::Marked { outcome, feedback: feedback.clone(), amended }),
        _ => Err("the reflection was handed in again since".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-02-10T00:00:00Z";

    /// What is known of somebody, but for what is said.
    fn judged(said: &Value) -> Judgement {
        let mut candidate = json!({
            "site_id": uuid::Uuid::nil(), "message_id": uuid::Uuid::nil(), "alone": false,
            "since": "2026-02-09T00:00:00Z", "closed": false, "host": null, "notice": null, "position": 1,
            "known": {
                "kind": "week_open", "week": 3, "name": "Anna", "email": "anna@example.org", "active": true,
                "status": "active", "student_week": 3, "held": false, "cohort": "Kererū", "cohort_status": "active",
                "timezone": "UTC", "session": null, "outcome": "pass", "feedback": "Good.", "superseded": false,
            },
        });
        for (field, value) in said.as_object().unwrap() {
            let known = candidate["known"].get(field).is_some();
            *(if known { &mut candidate["known"][field] } else { &mut candidate[field] }) = value.clone();
        }
        judge(&serde_json::from_value(candidate).unwrap(), NOW.parse().unwrap())
    }

    fn skipped(said: &Value) -> String {
        match judged(said) {
            Judgement::Skip(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_week_is_told_to_whoever_is_in_it_now() {
        assert!(matches!(judged(&json!({})), Judgement::Send(_)));
        assert_eq!(skipped(&json!({ "student_week": 2 })), "the student is in week 2 now");
        assert_eq!(skipped(&json!({ "held": true })), "the student is held");
        assert_eq!(skipped(&json!({ "status": "withdrawn" })), "the enrolment is withdrawn");
        assert_eq!(skipped(&json!({ "cohort_status": "completed" })), "the cohort is completed");
        assert_eq!(skipped(&json!({ "active": false })), "the person is deactivated");
    }

    #[test]
    fn a_mark_is_told_as_it_is_now() {
        let marked = |said: &Value| {
            let mut all = json!({ "kind": "reflection_marked" });
            all.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
            all
        };
        for said in [json!({}), json!({ "held": true }), json!({ "status": "completed", "student_week": 8 })] {
            assert!(matches!(judged(&marked(&said)), Judgement::Send(_)));
        }
        assert_eq!(skipped(&marked(&json!({ "superseded": true }))), "the mark was changed since");
        let revised = json!({ "outcome": null, "feedback": null });
        assert_eq!(skipped(&marked(&revised)), "the reflection was handed in again since");
        assert_eq!(skipped(&marked(&json!({ "status": "withdrawn" }))), "the enrolment is withdrawn");
        assert_eq!(skipped(&marked(&json!({ "active": false }))), "the person is deactivated");
    }

    #[test]
    fn whoever_is_active_is_told_of_their_account_three_times_a_day() {
        let notice = |said: &Value| {
            let mut notice = json!({
                "kind": "new_device", "detail": "password", "name": "Anna", "email": "anna@example.org", "to_former": false,
                "active": true, "before": 0, "by_themselves": true, "by": "Anna",
                "authority": "oneself", "happened_at": "2026-02-09T00:00:00Z",
            });
            notice.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
            json!({ "known": null, "notice": notice })
        };
        let last = |before: i64| match judged(&notice(&json!({ "before": before }))) {
            Judgement::Tell(notice) => Some(notice.last_today),
            Judgement::Skip(_) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!([0, 1, 2, 3, 4].map(last), [Some(false), Some(false), Some(true), None, None]);
        assert_eq!(skipped(&notice(&json!({ "active": false }))), "the person is deactivated");
    }

    #[test]
    fn nobody_gets_old_mail() {
        assert!(matches!(judged(&json!({ "since": "2026-02-03T00:00:00Z" })), Judgement::Expired));
        assert!(matches!(judged(&json!({ "since": "2026-02-03T00:00:01Z" })), Judgement::Send(_)));
    }

    #[test]
    fn a_closed_site_sends_nothing_now_and_nothing_is_lost() {
        assert!(matches!(judged(&json!({ "closed": true })), Judgement::NotNow));
        assert!(matches!(judged(&json!({ "closed": true, "since": "2026-02-03T00:00:00Z" })), Judgement::Expired));
    }

    #[test]
    fn what_is_not_known_is_left_alone() {
        assert!(matches!(judged(&json!({ "known": null })), Judgement::NotNow));
    }
}
