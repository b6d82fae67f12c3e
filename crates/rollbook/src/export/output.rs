//! Where an export goes: to stdout, or to a file that has its name only when it is whole.

use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::{Done, Failure};

/// How much is written at a time, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Where bytes go.
pub enum Output {
    /// To whoever reads the output.
    Stdout(BufWriter<Stdout>),
    /// To a file beside the one that is to be; without [`Output::done`] it goes away again.
    File {
        /// The one that is to be.
        path: PathBuf,
        /// The one beside it.
        beside: BufWriter<NamedTempFile>,
    },
}

impl Output {
    /// Begins.
    pub fn open(out: Option<&Path>) -> Done<Self> {
        let Some(path) = out else { return Ok(Self::Stdout(BufWriter::with_capacity(BUFFER_BYTES, stdout()))) };
        let cannot = |error: io::Error| Failure::new(format!("{} cannot be written: {error}", path.display()));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if path.is_dir() {
            return Err(Failure::new(format!("{} is a folder", path.display())));
        }
        let name = path.file_name().unwrap_or_default();
        let beside = tempfile::Builder::new().prefix(name).suffix(".part").tempfile_in(folder).map_err(cannot)?;
        Ok(Self::File { path: path.to_owned(), beside: BufWriter::with_capacity(BUFFER_BYTES, beside) })
    }

    /// Ends; a file is on the disk and has its name.
    pub fn done(self) -> Done {
        match self {
            Self::Stdout(mut out) => Ok(out.flush()?),
            Self::File { path, beside } => {
                let cannot = |error: io::Error| Failure::new(format!("{} cannot be written: {error}", path.display()));
                let beside = beside.into_inner().map_err(|error| cannot(error.into_error()))?;
                beside.as_file().sync_all().map_err(cannot)?;
                beside.persist(&path).map_err(|error| cannot(error.error))?;
                Ok(())
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File { beside, .. } => beside.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File { beside, .. } => beside.flush(),
        }
    }
}
