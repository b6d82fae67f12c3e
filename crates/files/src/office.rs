//! Word's and `PowerPoint`'s files, told apart by what is in the containers that they share with many others: the table of
//! parts of a ZIP, the streams of a compound file. A limit on what is read bounds time and memory for any file.

use std::io::{self, Read, Seek, SeekFrom};

use cfb::CompoundFile;
use zip::ZipArchive;

use crate::format::Format;

/// The most bytes that are read of a container to tell what it is: directories, not contents.
const BUDGET_BYTES: u64 = 8 << 20;

/// The most bytes of the table of parts that are looked at, unpacked.
const TABLE_BYTES: u64 = 1 << 20;

/// Where a package says what its parts are.
const TABLE: &str = "[Content_Types].xml";

/// The folders, and the types of the main part, of what is taken. The types with macros are others.
const PACKED: [(&str, &str, Format); 2] = [
    ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", Format::Docx),
    ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml", Format::Pptx),
];

/// What a ZIP is: a document or a presentation, if it says that it is one and has the folder of one.
pub fn packed<F: Read + Seek>(file: &mut F) -> Option<Format> {
    let mut archive = ZipArchive::new(Budget { file, left: BUDGET_BYTES }).ok()?;
    let folder = |folder: &str| archive.file_names_raw().any(|name| name.starts_with(folder.as_bytes()));
    let (_, main, format) = PACKED.into_iter().find(|(name, ..)| folder(name))?;
    let mut table = Vec::new();
    archive.by_name(TABLE).ok()?.take(TABLE_BYTES).read_to_end(&mut table).ok()?;
    String::from_utf8_lossy(&table).contains(main).then_some(format)
}

/// What a compound file is, by the streams at its top.
pub fn compound<F: Read + Seek>(file: &mut F) -> Option<Format> {
    let compound = CompoundFile::open(Budget { file, left: BUDGET_BYTES }).ok()?;
    if compound.is_stream("WordDocument") {
        Some(Format::Doc)
    } else if compound.is_stream("PowerPoint Document") {
        Some(Format::Ppt)
    } else {
        None
    }
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
