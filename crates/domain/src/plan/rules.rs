//! The rules that commands over many streams can break.

use crate::cohort::CohortStatus;

/// Why a command over many streams was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum BatchRule {
    /// There is nobody to divide the students among.
    #[error("the cohort has no marker; appoint one first")]
    NoMarkers,
    /// The student is in that cohort already.
    #[error("the student is in that cohort already; choose another one")]
    SameCohort,
    /// The cohort ended, or was called off.
    #[error("the cohort is {status}; only an upcoming or active cohort is moved on")]
    CohortClosed {
        /// Where it stands.
        status: CohortStatus,
    },
    /// Nobody comes from the week before.
    #[error("a cohort is moved on to week 2 to {last}, not to week {week}")]
    NoSuchWeek {
        /// The one asked for.
        week: u8,
        /// The module's last.
        last: u8,
    },
}
