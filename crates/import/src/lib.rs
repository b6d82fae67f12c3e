//! Reads files that other systems export (rosters as CSV or OneRoster, registers as CSV) into the rows of the commands that
//! import them. It does no I/O, decides no rule of the domain, and panics on no bytes whatever.

mod archive;
mod attendance;
mod error;
mod oneroster;
mod report;
mod roster;
mod sheet;
mod text;

pub use archive::{Files, Limits, unzip};
pub use attendance::{AttendanceFile, read_attendance};
pub use error::FileError;
pub use oneroster::{ONEROSTER_FILES, read_oneroster};
pub use report::{Counts, Report, ReportRow, Shown};
pub use roster::{RosterFile, read_roster};

/// The largest file that is taken, zipped or not.
pub const MAX_FILE_BYTES: usize = 20 << 20;
