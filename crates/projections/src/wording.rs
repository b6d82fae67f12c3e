//! A student's events in words. What they or others wrote at length (reflections, feedback, notes) is never repeated.

use std::collections::{BTreeMap, BTreeSet};

use rollbook_domain::enrolment::{EnrolmentEvent, Outcome, Venue, Visibility};
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
        Event::Enrolment(EnrolmentEvent::MarkerAssigned { marker_id, previous: _ }) => Some(*marker_id),
        _ => None,
    };
    event.actor.into_iter().chain(marker)
}

/// The hub that an event mentions.
pub fn hub_in(event: &Recorded) -> Option<HubId> {
    match &event.event {
        Event::Enrolment(EnrolmentEvent::StudentEnrolled { hub_id, .. }) => *hub_id,
        Event::Enrolment(EnrolmentEvent::HubJoined { hub_id, .. } | EnrolmentEvent::HubLeft { hub_id }) => {
            Some(*hub_id)
        }
        _ => None,
    }
}

/// What happened, as a sentence without its subject: `advanced from week 5 to week 6`.
pub fn words(event: &EnrolmentEvent, names: &Names) -> String {
    match event {
        EnrolmentEvent::StudentEnrolled { cohort_id: _, person_id: _, hub_id, week, moved_from, origin } => {
            let how = match (moved_from, origin) {
                (Some(_), _) => "enrolled, coming from another cohort,",
                (None, Origin::File) => "enrolled from a file",
                (None, Origin::Hand) => "enrolled",
            };
            let place = hub_id.map_or_else(|| "the flagship".to_owned(), |hub| names.hub(hub).to_owned());
            format!("{how} in week {week}, at {place}")
        }
        EnrolmentEvent::HubJoined { hub_id, previous: _, origin } => {
            let how = if *origin == Origin::File { ", as a file says" } else { "" };
            format!("joined {}{how}", names.hub(*hub_id))
        }
        EnrolmentEvent::HubLeft { hub_id } => format!("left {}", names.hub(*hub_id)),
        EnrolmentEvent::AttendanceMarked { week, status, place, note: _, by: _, authority, hub_id: _ } => {
            let place = match place {
                Some(Venue::Hub) => " in the hub",
                Some(Venue::Flagship) => " at the flagship",
                None => "",
            };
            format!("marked {status}{place} in week {week}, by authority of the {authority}")
        }
        EnrolmentEvent::AbsenceFlagRaised { flag: _, missed_weeks } => {
            format!("flagged for missing {}", weeks(missed_weeks))
        }
        EnrolmentEvent::AbsenceFlagCleared { flag: _, missed_weeks } => {
            format!("flag cleared by a correction; missed {}", weeks(missed_weeks))
        }
        EnrolmentEvent::AbsenceFlagResolved { flag: _, reason } => format!("flag resolved: {}", reason.as_str()),
        EnrolmentEvent::StudentAdvanced { from_week, to_week, reason } => {
            format!("advanced from week {from_week} to week {to_week}{}", because(reason.as_ref()))
        }
        EnrolmentEvent::StudentHeld { week, reason } => format!("held in week {week}: {}", reason.as_str()),
        EnrolmentEvent::StudentReleased { week, reason } => {
            format!("released in week {week}{}", because(reason.as_ref()))
        }
        EnrolmentEvent::WeekSet { from_week, week, reason } => {
            format!("put from week {from_week} in week {week}: {}", reason.as_str())
        }
        EnrolmentEvent::StudentWithdrawn { reason, moved_to } => {
            let how = if moved_to.is_some() { "moved to another cohort" } else { "withdrawn" };
            format!("{how}: {}", reason.as_str())
        }
        EnrolmentEvent::StudentReinstated { moved_from: _ } => "reinstated".to_owned(),
        EnrolmentEvent::EnrolmentCompleted {} => "completed".to_owned(),
        EnrolmentEvent::ReflectionSubmitted { week, text: _, visibility } => {
            format!("handed in the reflection of week {week}, {}", readable(*visibility))
        }
        EnrolmentEvent::ReflectionRevised { week, text: _, visibility } => {
            format!("revised the reflection of week {week}, {}", readable(*visibility))
        }
        EnrolmentEvent::ReflectionVisibilitySet { week, visibility } => {
            format!("made the reflection of week {week} {}", readable(*visibility))
        }
        EnrolmentEvent::MarkerAssigned { marker_id, previous: _ } => {
            format!("allocated to the marker {}", names.person(*marker_id))
        }
        EnrolmentEvent::ReflectionMarked { week, outcome, feedback: _, by: _ } => {
            format!("reflection of week {week} {}", decided(*outcome))
        }
        EnrolmentEvent::MarkAmended { week, outcome, feedback: _, reason, by: _ } => {
            format!("mark of week {week} amended, now {}: {}", decided(*outcome), reason.as_str())
        }
    }
}

/// Why, in the words of whoever decided it; none where an event needs no reason, or has none.
pub fn reason(event: &EnrolmentEvent) -> Option<&Personal<String>> {
    match event {
        EnrolmentEvent::AbsenceFlagResolved { flag: _, reason }
        | EnrolmentEvent::StudentHeld { week: _, reason }
        | EnrolmentEvent::WeekSet { from_week: _, week: _, reason }
        | EnrolmentEvent::StudentWithdrawn { reason, moved_to: _ }
        | EnrolmentEvent::MarkAmended { week: _, outcome: _, feedback: _, reason, by: _ } => Some(reason),
        EnrolmentEvent::StudentAdvanced { from_week: _, to_week: _, reason }
        | EnrolmentEvent::StudentReleased { week: _, reason } => reason.as_ref(),
        EnrolmentEvent::StudentEnrolled { .. }
        | EnrolmentEvent::HubJoined { .. }
        | EnrolmentEvent::HubLeft { .. }
        | EnrolmentEvent::AttendanceMarked { .. }
        | EnrolmentEvent::AbsenceFlagRaised { .. }
        | EnrolmentEvent::AbsenceFlagCleared { .. }
        | EnrolmentEvent::StudentReinstated { .. }
        | EnrolmentEvent::EnrolmentCompleted {}
        | EnrolmentEvent::ReflectionSubmitted { .. }
        | EnrolmentEvent::ReflectionRevised { .. }
        | EnrolmentEvent::ReflectionVisibilitySet { .. }
        | EnrolmentEvent::MarkerAssigned { .. }
        | EnrolmentEvent::ReflectionMarked { .. } => None,
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
        let held = EnrolmentEvent::StudentHeld { week: 5, reason: "missed three".into() };
        assert_eq!(said(&held), "held in week 5: missed three");
        let advanced = EnrolmentEvent::StudentAdvanced { from_week: 5, to_week: 6, reason: None };
        assert_eq!(said(&advanced), "advanced from week 5 to week 6");
        let raised = EnrolmentEvent::AbsenceFlagRaised { flag: 1, missed_weeks: [1, 3, 6].into() };
        assert_eq!(said(&raised), "flagged for missing weeks 1, 3 and 6");
    }

    #[test]
    fn repeats_nothing_that_was_written_at_length() {
        let secret = || Personal::from("a secret");
        let events = [
            EnrolmentEvent::ReflectionSubmitted { week: 1, text: secret(), visibility: Visibility::Private },
            EnrolmentEvent::ReflectionMarked { week: 1, outcome: Outcome::Pass, feedback: secret(), by: None },
            EnrolmentEvent::AttendanceMarked {
                week: 1,
                status: AttendanceStatus::Excused,
                place: None,
                note: Some(secret()),
                by: None,
                authority: Authority::Admin,
                hub_id: None,
            },
        ];
        for event in events {
            assert!(!said(&event).contains("secret"), "{}", said(&event));
        }
    }
}
