//! Word's and `PowerPoint`'s files, told apart by what is in the containers that they share with many others: the table of
//! parts of a ZIP, the streams of a compound file. A limit on what is read bounds time and memory for any file.

use std::io::{self, Read, Seek, SeekFrom};

use cfb::CompoundFile;
use zip::ZipArchive;

use crate::format::Format;
use crate::received::LIMIT_BYTES;

/// The most bytes that are read of a container to tell what it is: directories, not contents.
const BUDGET_BYTES: u64 = 8 << 20;

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

/// How much of a presentation is looked at in one go.
const PIECE_BYTES: usize = 64 << 10;

/// What a container is, by what it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// A document, or a presentation, without macros.
    Plain(Format),
    /// One that brings programs with it.
    Macros(Format),
    /// Nothing that is taken, or nothing that is surely something.
    Unknown,
}

/// What a ZIP is: a document or a presentation, if it says that it is one and has the folder of one.
pub fn packed<F: Read + Seek>(file: &mut F) -> Contents {
    look_into_package(file).unwrap_or(Contents::Unknown)
}

fn look_into_package<F: Read + Seek>(file: &mut F) -> Option<Contents> {
    let mut archive = ZipArchive::new(Budget { file, left: BUDGET_BYTES }).ok()?;
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

/// What a compound file is, by the streams at its top.
pub fn compound<F: Read + Seek>(file: &mut F) -> Contents {
    look_into_compound(file).unwrap_or(Contents::Unknown)
}

fn look_into_compound<F: Read + Seek>(file: &mut F) -> Option<Contents> {
    // A presentation is looked through as a whole, and then its tables.
    let mut compound = CompoundFile::open(Budget { file, left: LIMIT_BYTES + BUDGET_BYTES }).ok()?;
    let format = if compound.is_stream("WordDocument") {
        Format::Doc
    } else if compound.is_stream(PRESENTATION) {
        Format::Ppt
    } else {
        return None;
    };
    let of_macros = |entry: cfb::Entry| MACRO_STORAGES.contains(&entry.name().to_lowercase().as_str());
    if compound.walk().any(of_macros) {
        return Some(Contents::Macros(format));
    }
    let has_project = format == Format::Ppt && has_project(&mut compound.open_stream(PRESENTATION).ok()?).ok()?;
    Some(if has_project { Contents::Macros(format) } else { Contents::Plain(format) })
}

/// Whether a presentation says that it has a project of macros (`VBAInfoContainer` with `VbaInfoAtom`). Its records are not
/// followed but looked for: they may lie as one reader finds them and another does not.
fn has_project(stream: &mut impl Read) -> io::Result<bool> {
    let mut window = Vec::with_capacity(PIECE_BYTES + VBA_INFO_BYTES);
    loop {
        // What may be the beginning of one stays.
        let kept = window.len().min(VBA_INFO_BYTES - 1);
        window.drain(..window.len() - kept);
        if stream.take(PIECE_BYTES as u64).read_to_end(&mut window)? == 0 {
            return Ok(false);
        }
        if window.windows(VBA_INFO_BYTES).any(is_vba_info) {
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
