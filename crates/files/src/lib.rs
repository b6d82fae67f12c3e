//! Uploaded files: received with a limit, told by their content, scanned, kept in a folder or a bucket, read in parts. It never
//! trusts what a file calls itself, and knows neither the log nor who may do what.

mod checked;
mod contents;
mod directory;
mod examiner;
mod files;
mod folder;
mod format;
mod name;
mod office;
mod picture;
mod place;
mod process;
mod received;
mod scan;
#[cfg(test)]
mod tests;
mod worker;

pub use checked::{CheckedFile, ForeignFile, ObjectKey};
pub use contents::Unfit;
pub use examiner::{ExamineError, Examiner};
pub use files::{Files, FilesError};
pub use format::{Format, Kind};
pub use name::{FileName, NameError};
pub use place::PlaceError;
pub use received::{Examined, LIMIT_BYTES, ReceiveError, Received};
pub use scan::Scanner;
pub use worker::{PictureWorker, decode as decode_picture};
