//! Word's and `PowerPoint`'s files, told apart by what is in the containers that they share with many others: the table of
//! parts of a ZIP, the streams of a compound file. A limit on what is read bounds time and memory for any file.

use std::io::{self, Read, Seek, SeekFrom};

use cfb::CompoundFile;
use zip::ZipArchive;

use crate::directory;
use crate::format::Format;
use crate::received::LIMIT_BYTES;

/// The most bytes that are read of a container to tell what it is: directories, not contents.
const BUDGET_BYTES: u64 = 8 << 20;

/// The most parts of a document: of a package, or storages and streams of a compound file. A large presentation has some
/// thousand.
pub const MOST_PARTS: usize = 8_192;

/// The most bytes of the table of parts that are looked at, unpacked.
const TABLE_BYTES: u64 = 1 << 20;

/// Where a package says what its parts are.
const TABLE: &str = "[Content_Types].xml";

/// The folders, and the types of the main part, of what is taken. The types with macros are
/// others.
const PACKED: [(&str, &str, Format); 2] = [
    ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", Format::Docx),
    ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml", Format::Pptx),
];

/// The parts of a package that hold macros, by the last of their names, in lower case.
const MACRO_PARTS: [&[u8]; 3] = [b"vbaproject.bin", b"vbadata.xml", b"vbaprojectsignature.bin"];

/// What the types of parts that hold macros, and of documents that may, have in them, in lower case.
const MACRO_TYPES: [&str; 2] = ["vbaproject", "macroenabled"];

/// What a table may have that another reader of XML might take for something else: references to characters, which can
/// spell out a type unseen, and comments, sections and declarations, which can hide one. No office program writes them.
const UNCLEAR: [&str; 2] = ["&#", "<!"];

/// The storages and streams of a compound file that hold macros, wherever they are, in lower case.
const MACRO_STORAGES: [&str; 4] = ["macros", "vba", "_vba_project", "_vba_project_cur"];

/// The stream that a presentation is in.
const PRESENTATION: &str = "PowerPoint Document";

/// How much of a file is looked at in one go, where all of it is.
const PIECE_BYTES: usize = 64 << 10;

/// What a container is, by what it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// A document, or a presentation, without macros.
    Plain(Format),
    /// One that brings programs with it.
    Macros(Format),
    /// One of more parts than are looked at.
    TooManyParts,
    /// Nothing that is taken, or nothing that is surely something.
    Unknown,
}

/// What a ZIP is: a document or a presentation, if it says that it is one and has the folder of one.
pub fn packed<F: Read + Seek>(file: &mut F) -> Contents {
    look_into_package(file).unwrap_or(Contents::Unknown)
}

fn look_into_package<F: Read + Seek>(file: &mut F) -> Option<Contents> {
    if claims_many(file).ok()? {
        return Some(Contents::TooManyParts);
    }
    let mut archive = ZipArchive::new(Budget { file, left: BUDGET_BYTES }).ok()?;
    if archive.len() > MOST_PARTS {
        return Some(Contents::TooManyParts);
    }
    let folder = |folder: &str| archive.file_names_raw().any(|name| name.starts_with(folder.as_bytes()));
    let (_, main, format) = PACKED.into_iter().find(|(name, ..)| folder(name))?;
    let last = |name: &[u8]| name.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().map(<[u8]>::to_ascii_lowercase);
    if archive.file_names_raw().filter_map(last).any(|name| MACRO_PARTS.contains(&name.as_slice())) {
        return Some(Contents::Macros(format));
    }
    if archive.file_names_raw().filter(|name| name.eq_ignore_ascii_case(TABLE.as_bytes())).count() != 1 {
        return None;
    }
    let mut table = Vec::new();
    archive.by_name(TABLE).ok()?.take(TABLE_BYTES + 1).read_to_end(&mut table).ok()?;
    let table = String::from_utf8(table).ok().filter(|table| table.len() as u64 <= TABLE_BYTES)?;
    if UNCLEAR.iter().any(|unclear| table.contains(unclear)) {
        return None;
    }
    let lower = table.to_ascii_lowercase();
    if MACRO_TYPES.iter().any(|of_macros| lower.contains(of_macros)) {
        return Some(Contents::Macros(format));
    }
    table.contains(main).then_some(Contents::Plain(format))
}

/// Whether a ZIP claims more parts than are looked at, in one of the records that have room for any number: whoever reads it makes
/// room for them before there is one. All such records are looked at, as readers find them in several ways.
fn claims_many<F: Read + Seek>(file: &mut F) -> io::Result<bool> {
    const RECORD: &[u8] = b"PK\x06\x06";
    const LOCATOR: &[u8] = b"PK\x06\x07";
    const LOCATOR_BYTES: usize = 20;
    /// How many there are here, and how many in all.
    const COUNTS_AT: [usize; 2] = [24, 32];
    /// What comes after the locator: the end of the directory, and a comment.
    const END_BYTES: usize = 22 + 0xFFFF;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub((LOCATOR_BYTES + END_BYTES) as u64)))?;
    if !holds(file, LOCATOR.len(), |bytes| bytes == LOCATOR)? {
        return Ok(false);
    }
    file.rewind()?;
    holds(file, COUNTS_AT[1] + 8, |bytes| {
        let count =
            |at: usize| bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |n| u64::from_le_bytes(*n));
        bytes.starts_with(RECORD) && COUNTS_AT.into_iter().any(|at| count(at) > MOST_PARTS as u64)
    })
}

/// What a compound file is, by the streams at its top.
pub fn compound<F: Read + Seek>(file: &mut F) -> Contents {
    look_into_compound(file).unwrap_or(Contents::Unknown)
}

fn look_into_compound<F: Read + Seek>(file: &mut F) -> Option<Contents> {
    let Some(names) = directory::names(file, MOST_PARTS).ok()? else { return Some(Contents::TooManyParts) };
    file.rewind().ok()?;
    // A presentation is looked through as a whole, and then its tables.
    let mut compound = CompoundFile::open(Budget { file, left: LIMIT_BYTES + BUDGET_BYTES }).ok()?;
    let format = if compound.is_stream("WordDocument") {
        Format::Doc
    } else if compound.is_stream(PRESENTATION) {
        Format::Ppt
    } else {
        return None;
    };
    if names.iter().any(|name| MACRO_STORAGES.contains(&name.to_lowercase().as_str())) {
        return Some(Contents::Macros(format));
    }
    let has_project = format == Format::Ppt && has_project(&mut compound.open_stream(PRESENTATION).ok()?).ok()?;
    Some(if has_project { Contents::Macros(format) } else { Contents::Plain(format) })
}

/// Whether a presentation says that it has a project of macros (`VBAInfoContainer` with `VbaInfoAtom`). Its records are not
/// followed but looked for: they may lie as one reader finds them and another does not.
fn has_project(stream: &mut impl Read) -> io::Result<bool> {
    holds(stream, VBA_INFO_BYTES, is_vba_info)
}

/// Whether there is something of a length anywhere in a stream.
fn holds(stream: &mut impl Read, length: usize, is: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    let mut window = Vec::with_capacity(PIECE_BYTES + length);
    loop {
        // What may be the beginning of one stays.
        let kept = window.len().min(length - 1);
        window.drain(..window.len() - kept);
        if stream.take(PIECE_BYTES as u64).read_to_end(&mut window)? == 0 {
            return Ok(false);
        }
        if window.windows(length).any(&is) {
            return Ok(true);
        }
    }
}

/// How long the two records are: two headers, a reference, whether there are macros, a version.
const VBA_INFO_BYTES: usize = 28;

fn is_vba_info(bytes: &[u8]) -> bool {
    // Where the project is, or that there are macros: either will do.
    bytes[2..8] == [0xff, 0x03, 0x14, 0, 0, 0]
        && bytes[10..16] == [0, 0x04, 0x0c, 0, 0, 0]
        && bytes[16..24].iter().any(|byte| *byte != 0)
}

/// A file of which only so much is read.
struct Budget<'f, F> {
    file: &'f mut F,
    left: u64,
}

impl<F: Read> Read for Budget<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let spent = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(spent).ok_or_else(|| io::Error::other("too much to read"))?;
        Ok(read)
    }
}

impl<F: Seek> Seek for Budget<'_, F> {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.file.seek(place)
    }
}
