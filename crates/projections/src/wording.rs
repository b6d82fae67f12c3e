//! A student's events in words. What they or others wrote at length (reflections, feedback, notes) is never repeated.

use std::collections::{BTreeMap, BTreeSet};

use rollbook_domain::enrolment::{
    AttendanceEvent, EnrolmentEvent, MembershipEvent, Outcome, ProgressionEvent, ReflectionEvent, Venue, Visibility,
};
use rollbook_domain::{Event, HubId, Origin, PersonId, Personal};
use rollbook_store::Recorded;

/// The names of everybody and everything that the events mention.
#[derive(Debug)]
pub struct Names {
    /// Of people.
    pub people: BTreeMap<PersonId, Personal<String>>,
    /// Of hubs.
    pub hubs: BTreeMap<HubId, String>,
}

impl Names {
    /// A person's name; nothing where the read model does not know them yet.
    pub fn person(&self, id: PersonId) -> &str {
        self.people.get(&id).map_or("", Personal::as_str)
    }

    /// A hub's name.
    pub fn hub(&self, id: HubId) -> &str {
        self.hubs.get(&id).map_or("a hub", String::as_str)
    }
}

/// The people whom an event mentions: who issued it, and who got a task by it.
pub fn people_in(event: &Recorded) -> impl Iterator<Item = PersonId> + use<> {
    let marker = match &event.event {
        Event::Enrolment(EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id, previous: _ })) => {
            Some(*marker_id)
        }
        _ => None,
    };
    event.actor.into_iter().chain(marker)
}

/// The hub that an event mentions.
pub fn hub_in(event: &Recorded) -> Option<HubId> {
    match &event.event {
        Event::Enrolment(EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled { hub_id, .. })) => *hub_id,
        Event::Enrolment(EnrolmentEvent::Membership(
            MembershipEvent::HubJoined { hub_id, .. } | MembershipEvent::HubLeft { hub_id },
        )) => Some(*hub_id),
        _ => None,
    }
}

/// What happened, as a sentence without its subject: `advanced from week 5 to week 6`.
pub fn words(event: &EnrolmentEvent, names: &Names) -> String {
    match event {
        EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
            cohort_id: _,
            person_id: _,
            hub_id,
            week,
            moved_from,
            origin,
        }) => {
            let how = match (moved_from, origin) {
                (Some(_), _) => "enrolled, coming from another cohort,",
                (None, Origin::File) => "enrolled from a file",
                (None, Origin::Hand) => "enrolled",
            };
            let place = hub_id.map_or_else(|| "the flagship".to_owned(), |hub| names.hub(hub).to_owned());
            format!("{how} in week {week}, at {place}")
        }
        EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous: _, origin }) => {
            let how = if *origin == Origin::File { ", as a file says" } else { "" };
            format!("joined {}{how}", names.hub(*hub_id))
        }
        EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id }) => format!("left {}", names.hub(*hub_id)),
        EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
            week,
            status,
            place,
            note: _,
            by: _,
            authority,
            hub_id: _,
        }) => {
            let place = match place {
                Some(Venue::Hub) => " in the hub",
                Some(Venue::Flagship) => " at the flagship",
                None => "",
            };
            format!("marked {status}{place} in week {week}, by authority of the {authority}")
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: _, missed_weeks }) => {
            format!("flagged for missing {}", weeks(missed_weeks))
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagCleared { flag: _, missed_weeks }) => {
            format!("flag cleared by a correction; missed {}", weeks(missed_weeks))
        }
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag: _, reason }) => {
            format!("flag resolved: {}", reason.as_str())
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced { from_week, to_week, reason }) => {
            format!("advanced from week {from_week} to week {to_week}{}", because(reason.as_ref()))
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week, reason }) => {
            format!("held in week {week}: {}", reason.as_str())
        }
        EnrolmentEvent::Progression(ProgressionEvent::StudentReleased { week, reason }) => {
            format!("released in week {week}{}", because(reason.as_ref()))
        }
        EnrolmentEvent::Progression(ProgressionEvent::WeekSet { from_week, week, reason }) => {
            format!("put from week {from_week} in week {week}: {}", reason.as_str())
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason, moved_to }) => {
            let how = if moved_to.is_some() { "moved to another cohort" } else { "withdrawn" };
            format!("{how}: {}", reason.as_str())
        }
        EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from: _ }) => "reinstated".to_owned(),
        EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {}) => "completed".to_owned(),
        EnrolmentEvent::Reflections(ReflectionEvent::ReflectionSubmitted { week, text: _, visibility }) => {
            format!("handed in the reflection of week {week}, {}", readable(*visibility))
        }
        EnrolmentEvent::Reflections(ReflectionEvent::ReflectionRevised { week, text: _, visibility }) => {
            format!("revised the reflection of week {week}, {}", readable(*visibility))
        }
        EnrolmentEvent::Reflections(ReflectionEvent::ReflectionVisibilitySet { week, visibility }) => {
            format!("made the reflection of week {week} {}", readable(*visibility))
        }
        EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id, previous: _ }) => {
            format!("allocated to the marker {}", names.person(*marker_id))
        }
        EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked { week, outcome, feedback: _, by: _ }) => {
            format!("reflection of week {week} {}", decided(*outcome))
        }
        EnrolmentEvent::Reflections(ReflectionEvent::MarkAmended { week, outcome, feedback: _, reason, by: _ }) => {
            format!("mark of week {week} amended, now {}: {}", decided(*outcome), reason.as_str())
        }
    }
}

/// Why, in the words of whoever decided it; none where an event needs no reason, or has none.
pub fn reason(event: &EnrolmentEvent) -> Option<&Personal<String>> {
    match event {
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag: _, reason })
        | EnrolmentEvent::Progression(
            ProgressionEvent::StudentHeld { week: _, reason }
            | ProgressionEvent::WeekSet { from_week: _, week: _, reason },
        )
        | EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason, moved_to: _ })
        | EnrolmentEvent::Reflections(ReflectionEvent::MarkAmended {
            week: _,
            outcome: _,
            feedback: _,
            reason,
            by: _,
        }) => Some(reason),
        EnrolmentEvent::Progression(
            ProgressionEvent::StudentAdvanced { from_week: _, to_week: _, reason }
            | ProgressionEvent::StudentReleased { week: _, reason },
        ) => reason.as_ref(),
        EnrolmentEvent::Membership(
            MembershipEvent::StudentEnrolled { .. }
            | MembershipEvent::HubJoined { .. }
            | MembershipEvent::HubLeft { .. }
            | MembershipEvent::StudentReinstated { .. }
            | MembershipEvent::EnrolmentCompleted {},
        )
        | EnrolmentEvent::Attendance(
            AttendanceEvent::AttendanceMarked { .. }
            | AttendanceEvent::AbsenceFlagRaised { .. }
            | AttendanceEvent::AbsenceFlagCleared { .. },
        )
        | EnrolmentEvent::Reflections(
            ReflectionEvent::ReflectionSubmitted { .. }
            | ReflectionEvent::ReflectionRevised { .. }
            | ReflectionEvent::ReflectionVisibilitySet { .. }
            | ReflectionEvent::MarkerAssigned { .. }
            | ReflectionEvent::ReflectionMarked { .. },
        ) => None,
    }
}

fn because(reason: Option<&Personal<String>>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {}", reason.as_str()))
}

fn weeks(weeks: &BTreeSet<u8>) -> String {
    let numbers: Vec<String> = weeks.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [] => "no week".to_owned(),
        [one] => format!("week {one}"),
        [others @ .., last] => format!("weeks {} and {last}", others.join(", ")),
    }
}

fn readable(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Cohort => "readable by the cohort",
        Visibility::Private => "private",
    }
}

fn decided(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "passed",
        Outcome::Fail => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollbook_domain::Authority;
    use rollbook_domain::enrolment::AttendanceStatus;

    fn said(event: &EnrolmentEvent) -> String {
        words(event, &Names { people: BTreeMap::new(), hubs: BTreeMap::new() })
    }

    #[test]
    fn says_what_was_decided_and_why() {
        let held =
            EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week: 5, reason: "missed three".into() });
        assert_eq!(said(&held), "held in week 5: missed three");
        let advanced =
            EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced { from_week: 5, to_week: 6, reason: None });
        assert_eq!(said(&advanced), "advanced from week 5 to week 6");
        let raised =
            EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: 1, missed_weeks: [1, 3, 6].into() });
        assert_eq!(said(&raised), "flagged for missing weeks 1, 3 and 6");
    }

    #[test]
    fn repeats_nothing_that_was_written_at_length() {
        let secret = || Personal::from("a secret");
        let events = [
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionSubmitted {
                week: 1,
                text: secret(),
                visibility: Visibility::Private,
            }),
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked {
                week: 1,
                outcome: Outcome::Pass,
                feedback: secret(),
                by: None,
            }),
            EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
                week: 1,
                status: AttendanceStatus::Excused,
                place: None,
                note: Some(secret()),
                by: None,
                authority: Authority::Admin,
                hub_id: None,
            }),
        ];
        for event in events {
            assert!(!said(&event).contains("secret"), "{}", said(&event));
        }
    }
}
