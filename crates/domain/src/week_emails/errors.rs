//! The rules that a command about a cohort's emails can break.

use crate::cohort::CohortStatus;

/// Why a command about a cohort's emails was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum WeekEmailsRule {
    /// Nobody follows it yet, or any more.
    #[error("the cohort is {status}; emails about a week are sent while it is active")]
    CohortNotActive {
        /// Where it stands.
        status: CohortStatus,
    },
    /// The module is not that long.
    #[error("there is no week {week}; the cohort has weeks 1 to {last_week}")]
    NoSuchWeek {
        /// The week given.
        week: u8,
        /// The cohort's last.
        last_week: u8,
    },
}
