//! Why a file as a whole cannot be read. The texts name columns, files and lines, and never quote what is in a row.

/// A file that cannot be taken. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Not a byte, or nothing but white space.
    #[error("the file is empty; it needs a line with the names of the columns and a line for each row")]
    Empty,
    /// Too many bytes.
    #[error("the file has more than {limit} bytes; split it")]
    TooLarge {
        /// The most it may have.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("{file} is not UTF-8 but looks like {looks_like}; save it as CSV UTF-8")]
    Encoding {
        /// Which file.
        file: String,
        /// What it looks like, and where that shows.
        looks_like: String,
    },
    /// Something else under the name of a CSV.
    #[error("{file} is not CSV but looks like {looks_like}; export it as CSV UTF-8")]
    NotCsv {
        /// Which file.
        file: String,
        /// What it looks like.
        looks_like: &'static str,
    },
    /// The first line does not name what is needed.
    #[error("{file} has no column {missing}; its first line must name {needed}")]
    MissingColumn {
        /// Which file.
        file: String,
        /// What is missing.
        missing: &'static str,
        /// What there must be.
        needed: &'static str,
    },
    /// Two columns of one name: which one counts?
    #[error("{file} has the column {column} twice; leave one of the two")]
    ColumnTwice {
        /// Which file.
        file: String,
        /// Which column.
        column: String,
    },
    /// Weeks as columns, and a column of weeks.
    #[error("the file has both columns of weeks and a column \"week\"; use one form or the other")]
    TwoForms,
    /// More rows than one command takes.
    #[error("{file} has more than {limit} {what}; split it")]
    TooMany {
        /// Which file.
        file: String,
        /// Of what.
        what: &'static str,
        /// How many it may have.
        limit: usize,
    },
    /// A row of more cells than any has.
    #[error(
        "{file} has more than {limit} cells in the row that begins in line {line}; leave out columns that are not used"
    )]
    TooWide {
        /// Which file.
        file: String,
        /// Where the row begins.
        line: u32,
        /// How many it may have.
        limit: usize,
    },
    /// A row of more bytes than any has.
    #[error(
        "{file} has more than {limit} bytes in the row that begins in line {line}; is a quotation mark opened there and \
         never closed?"
    )]
    TooLong {
        /// Which file.
        file: String,
        /// Where the row begins.
        line: u32,
        /// How many it may have.
        limit: usize,
    },
    /// The ZIP cannot be read.
    #[error("the ZIP file cannot be read: {0}")]
    Zip(String),
    /// An entry of the ZIP that is not taken.
    #[error("the ZIP file is not taken because of {entry}: {why}")]
    Entry {
        /// Which, as far as it can be shown.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
    /// OneRoster asks for a file that is not there.
    #[error("there is no {file}; {why}")]
    MissingFile {
        /// Which.
        file: &'static str,
        /// Why there must be one.
        why: String,
    },
    /// A manifest that says something else than OneRoster does.
    #[error("manifest.csv: {0}")]
    Manifest(String),
    /// One class is imported into one cohort.
    #[error("{0}")]
    Class(String),
}
