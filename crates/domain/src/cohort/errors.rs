//! The rules that a command about a cohort can break.

use chrono::{DateTime, NaiveDate, Utc};

use super::state::CohortStatus;

/// Why a command about a cohort was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CohortRule {
    /// No further run of it.
    #[error("the module is retired; schedule a cohort of another module")]
    ModuleRetired,
    /// Its weeks are others.
    #[error("copy_from is a run of another module; copy from a run of this one")]
    CopyFromOtherModule,
    /// A slip of the pen, not a date.
    #[error("starts_on is {starts_on}; give a date from the years 1970 to 2200")]
    StartsOnOutOfRange {
        /// The date given.
        starts_on: NaiveDate,
    },
    /// A slip of the pen, not an instant.
    #[error("starts_at is {starts_at}; give an instant from the years 1970 to 2200")]
    StartsAtOutOfRange {
        /// The instant given.
        starts_at: DateTime<Utc>,
    },
    /// The module is not that long.
    #[error("there is no session in week {week}; the cohort has weeks 1 to {last_week}")]
    NoSuchWeek {
        /// The week given.
        week: u8,
        /// The cohort's last.
        last_week: u8,
    },
    /// Nobody can be in two sessions at once.
    #[error("the session of week {week} begins at that instant already; give another one")]
    SessionClash {
        /// Whose session it is.
        week: u8,
    },
    /// Who is in stays in.
    #[error("the cohort has more active students; give a capacity of at least {enrolled}")]
    CapacityBelowEnrolled {
        /// How many.
        enrolled: u32,
    },
    /// It has ended, or was called off.
    #[error("the cohort is {status} and does not change any more")]
    CohortClosed {
        /// Where it stands.
        status: CohortStatus,
    },
    /// What has not begun does not end.
    #[error("the cohort has not started; start it before completing it, or cancel it")]
    NotStarted,
    /// Only what is completed is put away.
    #[error("the cohort is {status}; only a completed cohort is archived")]
    NotCompleted {
        /// Where it stands.
        status: CohortStatus,
    },
    /// Only those who may act can be appointed.
    #[error("the person is deactivated; reactivate them before appointing them")]
    PersonInactive,
    /// Their students would be left without a marker.
    #[error("the marker still has students ({count}); dismiss the marker with \"reallocate\": true")]
    MarkerHasStudents {
        /// How many.
        count: u32,
    },
    /// Nobody could take their students.
    #[error("nobody else can take the marker's students ({count}); appoint another marker first")]
    NoOtherMarker {
        /// How many.
        count: u32,
    },
}
