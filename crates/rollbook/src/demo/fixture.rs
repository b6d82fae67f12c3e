//! The demo cohort as it is written down in `fixtures/`, in the binary so that the demo works anywhere.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveTime;
use rollbook_domain::Personal;
use rollbook_domain::cohort::{Capacity, Week, Zone};
use rollbook_domain::syllabus::MaterialKind;
use rollbook_domain::text::{Code, ExternalId, Feedback, MaterialText, Name, NewEmail, Note, Question, Reason, Title};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

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
    pub email: NewEmail,
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
    /// By week; TOML's keys are text.
    #[serde(deserialize_with = "by_week")]
    pub questions: BTreeMap<u8, Question>,
    pub materials: Vec<MaterialOf>,
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
    pub email: NewEmail,
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
pub struct MaterialOf {
    pub week: Week,
    pub kind: MaterialKind,
    pub title: Title,
    pub content: MaterialText,
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
    pub themes: Vec<String>,
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
        fixture.roster =
            lines.collect::<Result<_, _>>().map_err(|error| Failure::from(error).during("fixtures/roster.csv"))?;
        Ok(fixture)
    }
}

/// Weeks as numbers, which TOML writes as text.
fn by_week<'de, D: Deserializer<'de>>(weeks: D) -> Result<BTreeMap<u8, Question>, D::Error> {
    let weeks = BTreeMap::<String, Question>::deserialize(weeks)?;
    let number = |(week, text): (String, _)| week.parse().map(|week| (week, text)).map_err(D::Error::custom);
    weeks.into_iter().map(number).collect()
}
