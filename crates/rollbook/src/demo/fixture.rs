//! The demo cohort as it is written down in `fixtures/`, in the binary so that the demo works anywhere.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveTime;
use rollbook_domain::Personal;
use rollbook_domain::cohort::{Capacity, Week, Zone};
use rollbook_domain::text::{Code, Email, ExternalId, Feedback, Name, Note, Reason, Title};
use serde::Deserialize;

use crate::failure::{Done, Failure};

const ROSTER: &str = include_str!("../../../../fixtures/roster.csv");
const REST: &str = include_str!("../../../../fixtures/demo.toml");

/// A student, by address.
pub type Address = String;

/// A line of `roster.csv`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterLine {
    pub name: Name,
    pub email: Email,
    pub external_id: ExternalId,
    /// The hub's name; none is the flagship.
    pub hub: Option<String>,
}

/// `demo.toml`; what each field means is written there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    pub zone: Zone,
    pub session_start: NaiveTime,
    pub module: ModuleOf,
    pub cohort: CohortOf,
    pub next_cohort: NextCohort,
    pub staff: Staff,
    pub hubs: Vec<HubOf>,
    pub absences: BTreeMap<Address, BTreeSet<u8>>,
    pub correction: Correction,
    pub holds: Vec<Decision>,
    pub overrides: Vec<Decision>,
    pub talks: Vec<Event>,
    pub releases: Vec<Release>,
    pub set_weeks: Vec<PutInWeek>,
    pub hub_switches: Vec<HubSwitch>,
    pub withdrawals: Vec<Event>,
    pub moves: Vec<Event>,
    pub amendments: Vec<Amendment>,
    pub last_hold: LastHold,
    pub attendance: Attendance,
    pub reflections: Reflections,
    pub marking: Marking,
    /// `roster.csv`.
    #[serde(skip)]
    pub roster: Vec<RosterLine>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleOf {
    pub code: Code,
    pub title: Title,
    pub weeks: Week,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohortOf {
    pub name: Name,
    pub capacity: Capacity,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextCohort {
    pub name: Name,
    pub starts_weeks_later: u64,
    pub capacity: Capacity,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staff {
    pub owner: PersonOf,
    pub admin: PersonOf,
    pub instructor: PersonOf,
    pub markers: Vec<PersonOf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonOf {
    pub name: Name,
    pub email: Email,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubOf {
    pub name: Name,
    pub place: Name,
    pub coordinator: PersonOf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    pub student: Address,
    pub week: Week,
    pub after_week: u8,
    pub note: Personal<Note>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub student: Address,
    pub week: u8,
    pub reason: Personal<Reason>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub student: Address,
    pub after_week: u8,
    pub reason: Personal<Reason>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub student: Address,
    pub after_week: u8,
    pub to_week: Week,
    pub reason: Personal<Reason>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutInWeek {
    pub student: Address,
    pub after_week: u8,
    pub week: Week,
    pub reason: Personal<Reason>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSwitch {
    pub student: Address,
    pub after_week: u8,
    pub hub: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    pub student: Address,
    pub week: Week,
    pub feedback: Personal<Feedback>,
    pub reason: Personal<Reason>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastHold {
    pub student: Address,
    pub reason: Personal<Reason>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attendance {
    pub excused: Vec<Personal<Note>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reflections {
    pub always: BTreeSet<Address>,
    pub openings: Vec<String>,
    pub paragraphs: Vec<String>,
    pub closings: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marking {
    pub passes: Vec<Personal<Feedback>>,
    pub fails: Vec<Personal<Feedback>>,
    pub revision: String,
}

impl Fixture {
    /// Reads both files.
    pub fn load() -> Done<Self> {
        let mut fixture: Self =
            toml::from_str(REST).map_err(|error| Failure::new(error).during("fixtures/demo.toml"))?;
        let lines = csv::Reader::from_reader(ROSTER.as_bytes()).into_deserialize();
        fixture.roster = lines
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::from(error).during("fixtures/roster.csv"))?;
        Ok(fixture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixtures_are_what_the_demo_promises() {
        let fixture = Fixture::load().unwrap();
        assert_eq!((fixture.roster.len(), fixture.hubs.len(), fixture.staff.markers.len()), (68, 5, 3));
        assert!(fixture.roster.iter().all(|line| {
            line.hub.as_ref().is_none_or(|hub| fixture.hubs.iter().any(|known| known.name.as_str() == hub))
        }));
        assert!(fixture.roster.iter().any(|line| line.hub.is_none()), "some are at the flagship");
        assert!(fixture.roster.iter().filter(|line| !line.name.as_str().is_ascii()).count() > 30);
    }

    #[test]
    fn every_student_who_is_named_is_on_the_roster() {
        let fixture = Fixture::load().unwrap();
        let known: BTreeSet<&str> = fixture.roster.iter().map(|line| line.email.as_str()).collect();
        assert_eq!(known.len(), 68, "addresses are unique");
        let mut named: Vec<&str> = vec![&fixture.correction.student, &fixture.last_hold.student];
        named.extend(fixture.absences.keys().chain(&fixture.reflections.always).map(String::as_str));
        named.extend(fixture.holds.iter().chain(&fixture.overrides).map(|d| d.student.as_str()));
        named.extend(fixture.talks.iter().chain(&fixture.withdrawals).chain(&fixture.moves).map(|e| e.student.as_str()));
        named.extend(fixture.releases.iter().map(|r| r.student.as_str()));
        named.extend(fixture.set_weeks.iter().map(|s| s.student.as_str()));
        named.extend(fixture.hub_switches.iter().map(|s| s.student.as_str()));
        named.extend(fixture.amendments.iter().map(|a| a.student.as_str()));
        for address in named {
            assert!(known.contains(address), "{address}");
        }
    }

    #[test]
    fn addresses_lead_nowhere() {
        let fixture = Fixture::load().unwrap();
        for line in &fixture.roster {
            let email = line.email.as_str();
            assert!(["@example.org", "@example.net", "@example.com"].iter().any(|end| email.ends_with(end)), "{email}");
        }
    }
}
