//! What each event takes and releases.

use super::*;
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::origin::Origin;

fn joined(hub_id: HubId, previous: Option<HubId>) -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous, origin: Origin::Hand })
}

/// The claims of the last event, after those before it.
fn changes(events: impl IntoIterator<Item = EnrolmentEvent>) -> ClaimChanges {
    let mut state = Enrolment::default();
    let mut changes = ClaimChanges::default();
    for event in events {
        changes = ClaimChanges::default();
        state.claims(ENROLMENT, &event, &mut changes);
        state.apply(event);
    }
    changes
}

fn takes(keys: impl IntoIterator<Item = ClaimKey>) -> ClaimChanges {
    ClaimChanges { takes: keys.into_iter().map(|key| (key, ENROLMENT.0)).collect(), releases: Vec::new() }
}

fn releases(keys: impl IntoIterator<Item = ClaimKey>) -> ClaimChanges {
    ClaimChanges { takes: Vec::new(), releases: keys.into_iter().collect() }
}

fn while_active(hub: Option<HubId>) -> Vec<ClaimKey> {
    let keys = [ClaimKey::active_enrolment(STUDENT), ClaimKey::place(COHORT, ENROLMENT)];
    keys.into_iter().chain(hub.map(|hub| ClaimKey::hub_place(hub, ENROLMENT))).collect()
}

#[test]
fn enrolling_takes_the_one_enrolment_the_one_active_place_and_the_hub() {
    let into_hub = EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
        cohort_id: COHORT,
        person_id: STUDENT,
        hub_id: Some(HUB),
        week: 1,
        moved_from: None,
        origin: Origin::Hand,
    });
    let for_ever = [ClaimKey::enrolment(COHORT, STUDENT)];
    assert_eq!(changes([into_hub]), takes(for_ever.clone().into_iter().chain(while_active(Some(HUB)))));
    assert_eq!(changes([enrolled()]), takes(for_ever.into_iter().chain(while_active(None))));
}

#[test]
fn leaving_or_completing_releases_all_but_the_one_enrolment() {
    for end in [withdrawn(), completed()] {
        assert_eq!(changes([enrolled(), end.clone()]), releases(while_active(None)));
        assert_eq!(changes([enrolled(), joined(HUB, None), end]), releases(while_active(Some(HUB))));
    }
}

#[test]
fn coming_back_takes_them_again() {
    let back = EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from: None });
    assert_eq!(changes([enrolled(), withdrawn(), back.clone()]), takes(while_active(None)));
    assert_eq!(changes([enrolled(), joined(HUB, None), withdrawn(), back]), takes(while_active(Some(HUB))));
}

#[test]
fn an_active_student_changes_hubs() {
    let (hub, other) = (ClaimKey::hub_place(HUB, ENROLMENT), ClaimKey::hub_place(OTHER_HUB, ENROLMENT));
    assert_eq!(changes([enrolled(), joined(HUB, None)]), takes([hub.clone()]));
    let swapped = ClaimChanges { takes: vec![(other, ENROLMENT.0)], releases: vec![hub.clone()] };
    assert_eq!(changes([enrolled(), joined(HUB, None), joined(OTHER_HUB, Some(HUB))]), swapped);
    let left = EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id: HUB });
    assert_eq!(changes([enrolled(), joined(HUB, None), left]), releases([hub]));
}

#[test]
fn whoever_left_has_no_place_in_a_hub_to_give_back() {
    let left = EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id: HUB });
    assert_eq!(changes([enrolled(), joined(HUB, None), withdrawn(), left.clone()]), ClaimChanges::default());
    let back = EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from: None });
    let returned = changes([enrolled(), joined(HUB, None), withdrawn(), left, back]);
    assert_eq!(returned, takes(while_active(None)));
}

#[test]
fn other_events_touch_no_claims() {
    for event in [absent(1), raised(1, [1]), in_week(3), held(1)] {
        assert_eq!(changes([enrolled(), event]), ClaimChanges::default());
    }
}
