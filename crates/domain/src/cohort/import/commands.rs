//! The commands that bring in a file: already read, row by row, by whoever sends them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cohort::Week;
use crate::enrolment::AttendanceStatus;
use crate::ids::{CohortId, EnrolmentId, PersonId};
use crate::personal::Personal;
use crate::text::{Email, ExternalId, Name};

/// The most rows of one roster.
pub const MAX_ROWS: usize = 20_000;
/// The most marks of one file: a thousand students in a year of weeks.
pub const MAX_MARKS: usize = 52_000;

/// One row of a roster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RosterRow {
    /// Where it stands in the file, for the receipt; left out, its place in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// As they write it; only who is known by their external id can do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal<Name>>,
    /// Where they get mail; only who is known by their external id can do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<Email>>,
    /// Their id in the system that the file is from: what they are known by before their address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Personal<ExternalId>>,
    /// The name or id of an open hub; left out, the file says nothing about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<Name>,
    /// The ids of who is new and of whose enrolment is; the server makes them.
    #[serde(skip)]
    pub new_ids: Option<(PersonId, EnrolmentId)>,
}

/// Registers who is unknown, enrols who is not in the cohort yet, and follows the file in what nobody has entered by hand.
/// People are known by external id, then by email. Wrong rows are left and told in `rows`; the others are appended
/// together, and where they come to more than 1,000 events, in pieces: of an import that was broken off, what was not
/// appended is when it is sent again. Nobody is removed by being absent, and the same rows again change nothing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRoster {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The file's rows.
    #[schemars(length(max = 20_000))]
    pub rows: Vec<RosterRow>,
}

/// One cell of a register: a student, a week, and whether they were there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedMark {
    /// Where its row stands in the file, for the receipt; left out, its place in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// The student's address; one of the two must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<Email>>,
    /// The student's id in the system that the file is from: what they are known by before their address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Personal<ExternalId>>,
    /// The number of the session's week, from 1.
    pub week: Week,
    /// Whether they were there.
    pub status: AttendanceStatus,
}

/// Takes registers from a file, of any weeks, in one append or, like `ImportRoster`, in pieces. Each mark is decided by the
/// rules of `MarkAttendance`; those that break one are told in `rows` and left. A mark that says what is known already keeps
/// its place and note.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportAttendance {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The file's cells.
    #[schemars(length(max = 52_000))]
    pub marks: Vec<ImportedMark>,
}
