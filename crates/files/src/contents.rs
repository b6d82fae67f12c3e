//! What a file is, by its content. Whoever is not sure what a file is refuses it; nothing here unpacks or runs anything.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use image::ImageFormat;

use crate::format::Format;
use crate::office::{self, Contents, MOST_PARTS};
use crate::picture::{MOST_PIXELS, MOST_SIDE};

/// How many bytes tell most formats apart.
const HEAD_BYTES: u64 = 64;

/// Where the end of a PDF is looked for, from its end: some programs write a little behind it.
const PDF_TAIL_BYTES: u64 = 2_048;

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// It is something, but not what its name says.
    #[error("is a {} by its content, and a {} by its name", found.extension(), claimed.extension())]
    Another {
        /// By its name.
        claimed: Format,
        /// By its content.
        found: Format,
    },
    /// Nothing that is taken.
    #[error("is no {} by its content, nor anything else that is taken", .0.extension())]
    Unknown(Format),
    /// It begins like what its name says, and cannot be read to its end.
    #[error("is a broken {}", .0.extension())]
    Broken(Format),
    /// A document that brings programs with it.
    #[error("has macros, which are not taken: save the {} without them", .0.extension())]
    Macros(Format),
    /// A document of more parts than any has.
    #[error("has too many parts: at most {MOST_PARTS} are looked at; save it anew, or as a PDF")]
    TooManyParts,
    /// A picture that would take too much memory.
    #[error("is too large a picture: at most {MOST_SIDE} pixels on a side, {MOST_PIXELS} in all")]
    TooManyPixels,
    /// A picture that was decoded for too long, or took too much memory for its size.
    #[error("is a picture that takes too much memory or time; save it as another, or smaller")]
    TooCostly,
    /// It could not be looked at; that is nothing about it.
    #[error("could not be read: {0}")]
    Io(#[from] io::Error),
}

/// Looks whether a file that is called to be of this format is of it by its content. A picture is not decoded yet.
pub fn check(mut file: File, claimed: Format) -> Result<File, Unfit> {
    match format_of(&mut file)?.ok_or(Unfit::Unknown(claimed))? {
        found if found != claimed => Err(Unfit::Another { claimed, found }),
        _ => Ok(file),
    }
}

/// What a file is by its content; none is nothing that is taken.
pub fn format_of<F: Read + Seek>(file: &mut F) -> Result<Option<Format>, Unfit> {
    let head = read_at(file, SeekFrom::Start(0), HEAD_BYTES)?;
    if head.is_empty() {
        return Err(Unfit::Empty);
    }
    let found = if head.starts_with(b"%PDF-") {
        let length = file.seek(SeekFrom::End(0))?;
        let tail = read_at(file, SeekFrom::Start(length.saturating_sub(PDF_TAIL_BYTES)), PDF_TAIL_BYTES)?;
        if !tail.windows(5).any(|bytes| bytes == b"%%EOF") {
            return Err(Unfit::Broken(Format::Pdf));
        }
        Some(Format::Pdf)
    } else if head.starts_with(b"PK\x03\x04") {
        file.rewind()?;
        office(office::packed(file))?
    } else if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        file.rewind()?;
        office(office::compound(file))?
    } else {
        let format = image::guess_format(&head).ok();
        Format::ALL.into_iter().find(|known| format.is_some() && image_format(*known) == format)
    };
    file.rewind()?;
    Ok(found)
}

fn office(contents: Contents) -> Result<Option<Format>, Unfit> {
    match contents {
        Contents::Plain(format) => Ok(Some(format)),
        Contents::Macros(format) => Err(Unfit::Macros(format)),
        Contents::TooManyParts => Err(Unfit::TooManyParts),
        Contents::Unknown => Ok(None),
    }
}

/// The decoder of a picture's format.
pub fn image_format(format: Format) -> Option<ImageFormat> {
    match format {
        Format::Png => Some(ImageFormat::Png),
        Format::Jpeg => Some(ImageFormat::Jpeg),
        Format::Gif => Some(ImageFormat::Gif),
        Format::Webp => Some(ImageFormat::WebP),
        Format::Pdf | Format::Doc | Format::Docx | Format::Ppt | Format::Pptx => None,
    }
}

fn read_at<F: Read + Seek>(file: &mut F, place: SeekFrom, most: u64) -> io::Result<Vec<u8>> {
    file.seek(place)?;
    let mut bytes = Vec::new();
    file.by_ref().take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
