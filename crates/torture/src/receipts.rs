//! The file of what was acknowledged: a receipt a line, as the service answered it. A line is written before its client
//! goes on; none is ever changed.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::Error;

/// A receipt, as far as it is checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Receipt {
    /// The command that was carried out.
    pub command_id: Uuid,
    /// The position that it ends at.
    pub position: i64,
    /// The streams that it concerned, with their versions.
    pub streams: Vec<Stream>,
    /// What it did.
    pub events: Vec<Event>,
}

/// A stream in a receipt.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Stream {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version afterwards.
    pub version: i64,
}

/// An event in a receipt.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Event {
    /// Its place in the log.
    pub position: i64,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its stream's id.
    pub stream: String,
    /// Its place in the stream.
    pub sequence: i64,
    /// Its fields.
    pub data: Value,
}

/// Reads a file of receipts.
pub fn read(path: &Path) -> Result<Vec<Receipt>, Error> {
    let failed = || Error::io(format!("reading {}", path.display()));
    let file = BufReader::new(File::open(path).map_err(failed())?);
    let mut receipts = Vec::new();
    for (line, text) in (1..).zip(file.lines()) {
        let text = text.map_err(failed())?;
        receipts.push(serde_json::from_str(&text).map_err(|source| Error::Receipt { line, source })?);
    }
    Ok(receipts)
}

/// Where acknowledgements are written down, by any number of clients.
#[derive(Debug)]
pub struct Acknowledged(Mutex<File>);

impl Acknowledged {
    /// A new file.
    pub fn create(path: &Path) -> Result<Self, Error> {
        Ok(Self(Mutex::new(File::create(path).map_err(Error::io(format!("making {}", path.display())))?)))
    }

    /// Writes one down; it is in the file when this is done.
    pub fn write(&self, receipt: &Value) -> Result<(), Error> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{receipt}\n").as_bytes()).map_err(Error::io("writing a receipt down"))
    }
}
