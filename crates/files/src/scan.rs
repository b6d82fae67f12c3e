//! A command of the operator's that each file is given to before it is taken: a scanner for viruses, say.

use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, copy};

use crate::process::Process;
use crate::received::in_background;

/// How long a scan may take: scanners that load their signatures anew each time need half of it.
const LIMIT: Duration = Duration::from_mins(1);

/// The exit status that refuses a file, as scanners have it.
const REFUSED: i32 = 1;

/// A command that reads a file on its standard input, and ends with 0 if the file is to be taken and with 1 if not.
#[derive(Clone, Debug)]
pub struct Scanner {
    program: String,
    arguments: Vec<String>,
    limit: Duration,
}

/// What a scanner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be taken.
    Taken,
    /// It may not.
    Refused,
}

impl Scanner {
    /// Reads a command: a program and its arguments with blanks between them. There is no shell and there are no quotes;
    /// whoever needs them writes a script. None where there is nothing.
    pub fn read(command: &str) -> Option<Self> {
        let mut words = command.split_whitespace().map(str::to_owned);
        Some(Self { program: words.next()?, arguments: words.collect(), limit: LIMIT })
    }

    /// The same with another limit of time.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Asks about a file. Whatever is neither a clear yes nor a clear no is an error.
    pub async fn scan(&self, file: &File) -> io::Result<Verdict> {
        let mut process = Process::start(&self.program, &self.arguments, Stdio::piped(), Stdio::null())?;
        let (input, file) = (process.input(), file.try_clone()?);
        let fed = async {
            let Some(mut input) = input else { return Ok(()) };
            let mut file = tokio::fs::File::from_std(rewound(file).await?);
            let copied = copy(&mut file, &mut input).await.map(|_| ());
            match copied.and(input.shutdown().await) {
                // It need not read to the end to know.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                fed => fed,
            }
        };
        // Together: one that reads nothing ends nevertheless, and one that is killed takes nothing more.
        let (fed, ended) = tokio::join!(tokio::time::timeout(self.limit, fed), process.ended(self.limit));
        let status = ended?.ok_or_else(|| io::Error::other("the scanner took too long"))?;
        match (fed, status.code()) {
            (Ok(Ok(())), Some(0)) => Ok(Verdict::Taken),
            (_, Some(REFUSED)) => Ok(Verdict::Refused),
            (Ok(Err(error)), _) => Err(error),
            _ => Err(io::Error::other(format!("the scanner ended with {status}"))),
        }
    }
}

/// From its start.
async fn rewound(mut file: File) -> io::Result<File> {
    in_background(move || file.seek(SeekFrom::Start(0)).map(|_| file)).await?
}
