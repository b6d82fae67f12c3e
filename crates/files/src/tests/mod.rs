//! Files of every format, made here, and what is made of them.

mod bucket;
mod checked;
mod contents;
mod keeping;
mod macros;
mod names;
mod receiving;
mod scans;

use std::fs::File;
use std::io::{Cursor, Seek, Write};

use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::contents::{Unfit, check};
use crate::format::{Format, Kind};
use crate::picture;

/// The smallest file of a format that is what it says.
pub fn sample(format: Format) -> Vec<u8> {
    match format {
        Format::Pdf => b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n".to_vec(),
        Format::Doc => compound("/WordDocument"),
        Format::Ppt => compound("/PowerPoint Document"),
        Format::Docx => packed("word", "wordprocessingml.document.main+xml"),
        Format::Pptx => packed("ppt", "presentationml.presentation.main+xml"),
        Format::Png => image(ImageFormat::Png),
        Format::Jpeg => image(ImageFormat::Jpeg),
        Format::Gif => image(ImageFormat::Gif),
        Format::Webp => image(ImageFormat::WebP),
    }
}

/// A package with a folder, and a table that says what is in it.
pub fn packed(folder: &str, main: &str) -> Vec<u8> {
    let main = format!("application/vnd.openxmlformats-officedocument.{main}");
    let table = format!("<Types><Override PartName=\"/{folder}/main.xml\" ContentType=\"{main}\"/></Types>");
    zipped(&[
        ("[Content_Types].xml", &table),
        ("_rels/.rels", "<Relationships/>"),
        (&format!("{folder}/main.xml"), "<a/>"),
    ])
}

pub fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn compound(stream: &str) -> Vec<u8> {
    compound_of(&[(stream, b"text")])
}

/// A compound file of these streams, and of the storages that they are in.
pub fn compound_of(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, content) in streams {
        compound.create_storage_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        compound.create_stream(path).unwrap().write_all(content).unwrap();
    }
    compound.flush().unwrap();
    compound.into_inner().into_inner()
}

pub fn image(format: ImageFormat) -> Vec<u8> {
    let pixels = |x: u32, y: u32| [u8::try_from(x * 5 % 256).unwrap(), u8::try_from(y * 7 % 256).unwrap(), 90];
    let picture = if format == ImageFormat::Gif {
        DynamicImage::from(RgbaImage::from_fn(40, 30, |x, y| image::Rgba([pixels(x, y)[0], 9, 9, 255])))
    } else {
        DynamicImage::from(RgbImage::from_fn(40, 30, |x, y| image::Rgb(pixels(x, y))))
    };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// What becomes of a file, with its WebP, in this process: what decodes pictures apart is the service's program.
pub fn examine(bytes: &[u8], claimed: Format) -> Result<Option<Vec<u8>>, Unfit> {
    let mut file = check(file(bytes), claimed)?;
    if claimed.kind() == Kind::Image { picture::webp(&mut file, claimed) } else { Ok(None) }
}

pub fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}
