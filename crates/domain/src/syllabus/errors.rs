//! The rules that a command about a syllabus can break.

use crate::cohort::CohortStatus;

/// Why a command about a syllabus was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SyllabusRule {
    /// It was called off, or is history.
    #[error("the cohort is {status}; its syllabus does not change any more")]
    SyllabusClosed {
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
    /// It was never there.
    #[error("there is no such material in this cohort's syllabus")]
    NoSuchMaterial,
    /// It was there once.
    #[error("the material was removed; add it again under another id")]
    MaterialWasRemoved,
    /// An id names one material for ever.
    #[error("another material has this id, or had it; leave the id out, or make another one")]
    MaterialExists,
    /// Nobody finds their way through more.
    #[error("a cohort's syllabus has at most {limit} materials; remove one first")]
    TooManyMaterials {
        /// The most.
        limit: usize,
    },
    /// Everything must still fit into one copy.
    #[error(
        "the pages of a cohort's syllabus have at most {limit} characters together; put some of it into a document"
    )]
    TooMuchText {
        /// The most.
        limit: usize,
    },
    /// The edge makes ids, and the plan reads contents, before anything is decided.
    #[error("the material has no id or no content by now; send the command again")]
    Incomplete,
    /// A file is one material's, so that it is known for ever who has it.
    #[error("the uploaded file is in another material already; upload it again")]
    UploadUsed,
}
