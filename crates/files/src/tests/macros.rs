//! Documents that bring programs with them, wherever they have them.

use super::{compound_of, examine, packed, sample, zipped};
use crate::contents::Unfit;
use crate::format::Format;

fn refused(bytes: &[u8], claimed: Format) -> Option<Unfit> {
    examine(bytes, claimed).err()
}

#[test]
fn compound_documents_with_macros_are_refused() {
    let main = |format| if format == Format::Doc { "/WordDocument" } else { "/PowerPoint Document" };
    for format in [Format::Doc, Format::Ppt] {
        for path in [
            "/Macros/VBA/dir",
            "/Macros/VBA/_VBA_PROJECT",
            "/macros/vba/ThisDocument",
            "/_VBA_PROJECT_CUR/VBA/dir",
            "/VBA/dir",
            "/ObjectPool/_1234567890/Macros/VBA/dir",
            "/ObjectPool/_1/_VBA_PROJECT_CUR/PROJECT",
        ] {
            let bytes = compound_of(&[(main(format), b"text"), (path, b"Attribut")]);
            let error = refused(&bytes, format);
            assert!(matches!(error, Some(Unfit::Macros(found)) if found == format), "{path}: {error:?}");
        }
        let harmless = [(main(format), &b"text"[..]), ("/ObjectPool/_1/\u{1}Ole", b"x"), ("/Data", b"Macros/VBA")];
        assert!(refused(&compound_of(&harmless), format).is_none());
    }
}

/// A compound file with a document, so many storages one in the other, and in the innermost so many more side by side, each to
/// the left of the one before; and at the end of these one of another name.
fn nested(depth: u32, siblings: u32, last: &str) -> Vec<u8> {
    const SECTOR: usize = 4_096;
    const END: u32 = 0xFFFF_FFFE;
    const NONE: u32 = 0xFFFF_FFFF;
    const FAT: u32 = 0xFFFF_FFFD;
    let entry = |name: &str, kind: u8, left: u32, child: u32| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut entry = name.clone();
        entry.resize(64, 0);
        entry.extend(u16::try_from(name.len() + 2).unwrap().to_le_bytes());
        entry.extend([kind, 1]);
        entry.extend([left, NONE, child].into_iter().flat_map(u32::to_le_bytes));
        entry.resize(116, 0);
        entry.extend(END.to_le_bytes());
        entry.resize(128, 0);
        entry
    };
    let long = "\u{4e00}".repeat(31);
    let mut entries = vec![entry("Root Entry", 5, NONE, 1), entry("WordDocument", 2, 2, NONE)];
    for nth in 0..depth {
        entries.push(entry(if nth == 0 { "a" } else { &long }, 1, NONE, 3 + nth));
    }
    for nth in 0..siblings {
        // Shorter names come first.
        let name = format!("{:0>31}", siblings - nth);
        entries.push(entry(&name, 2, 3 + depth + nth, NONE));
    }
    entries.push(entry(last, 1, NONE, NONE));
    let mut directory = entries.concat();
    directory.resize(directory.len().next_multiple_of(SECTOR), 0);
    let sectors = u32::try_from(directory.len() / SECTOR).unwrap();
    let mut fat: Vec<u32> = (1..sectors).chain([END, FAT]).collect();
    assert!(fat.len() <= SECTOR / 4, "one sector is enough for the table");
    fat.resize(SECTOR / 4, NONE);
    let mut header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    header.resize(24, 0);
    header.extend([0x3e_u16, 4, 0xFFFE, 12, 6].into_iter().flat_map(u16::to_le_bytes));
    header.resize(40, 0);
    header.extend([sectors, 1, 0, 0, 4_096, END, 0, END, 0, sectors].into_iter().flat_map(u32::to_le_bytes));
    header.resize(512, 0xFF);
    header.resize(SECTOR, 0);
    [header, directory, fat.into_iter().flat_map(u32::to_le_bytes).collect()].concat()
}

#[test]
fn a_compound_document_has_a_bounded_number_of_parts() {
    // Followed along its tree, this takes a gibibyte and more.
    for (depth, siblings) in [(4_500, 4_500), (9_000, 1), (1, 9_000)] {
        let error = refused(&nested(depth, siblings, "b"), Format::Doc);
        assert!(matches!(error, Some(Unfit::TooManyParts)), "{depth} {siblings}: {error:?}");
    }
    assert!(refused(&nested(1_000, 1_000, "b"), Format::Doc).is_none());
    let error = refused(&nested(1_000, 1_000, "VBA"), Format::Doc);
    assert!(matches!(error, Some(Unfit::Macros(Format::Doc))), "{error:?}");
}

#[test]
fn macros_are_found_in_short_sectors_and_behind_the_first_seven_mebibytes() {
    for version in [cfb::Version::V3, cfb::Version::V4] {
        for last in ["VBA", "b"] {
            let bytes = std::io::Cursor::new(Vec::new());
            let mut compound = cfb::CompoundFile::create_with_version(version, bytes).unwrap();
            std::io::Write::write_all(&mut compound.create_stream("/WordDocument").unwrap(), &vec![7; 9 << 20])
                .unwrap();
            for nth in 0..200 {
                compound.create_storage(format!("/{nth}")).unwrap();
            }
            compound.create_storage(format!("/7/{last}")).unwrap();
            compound.flush().unwrap();
            let error = refused(&compound.into_inner().into_inner(), Format::Doc);
            assert_eq!(matches!(error, Some(Unfit::Macros(Format::Doc))), last == "VBA", "{version:?}: {error:?}");
            assert_eq!(error.is_none(), last == "b", "{version:?}: {error:?}");
        }
    }
}

#[test]
fn a_package_has_a_bounded_number_of_parts() {
    let plain = packed("word", "wordprocessingml.document.main+xml");
    let parts = |count: usize| {
        let mut zip = zip::ZipWriter::new_append(std::io::Cursor::new(plain.clone())).unwrap();
        for nth in 0..count {
            zip.start_file(nth.to_string(), zip::write::SimpleFileOptions::default()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    assert!(refused(&parts(8_000), Format::Docx).is_none());
    assert!(matches!(refused(&parts(8_200), Format::Docx), Some(Unfit::TooManyParts)));
    // What only says so: room would be made for all of them.
    let claims = |count: u64, padding: usize| {
        let mut zip = [b"PK\x03\x04".to_vec(), vec![0; padding]].concat();
        let begins = zip.len() as u64;
        zip.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
        zip.extend([count, count, count * 46, 4].into_iter().flat_map(u64::to_le_bytes));
        zip.extend(b"PK\x06\x07\0\0\0\0");
        zip.extend(begins.to_le_bytes());
        zip.extend(1_u32.to_le_bytes());
        zip.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
        zip
    };
    // Also where it lies across whatever pieces a reader reads.
    for padding in [20_000, 65_500, 65_530, 1 << 20] {
        assert!(matches!(refused(&claims(16_000, padding), Format::Docx), Some(Unfit::TooManyParts)), "{padding}");
    }
    assert!(matches!(refused(&claims(9, 20_000), Format::Docx), Some(Unfit::Unknown(_))));
}

/// What a presentation of before 2007 says of its macros: where they are, and whether there are any.
fn vba_info(place: u32, has_macros: u32) -> Vec<u8> {
    let container = [0x1f, 0, 0xff, 0x03, 0x14, 0, 0, 0];
    let atom = [0x02, 0, 0, 0x04, 0x0c, 0, 0, 0];
    [&container[..], &atom, &place.to_le_bytes(), &has_macros.to_le_bytes(), &2_u32.to_le_bytes()].concat()
}

#[test]
fn presentations_that_say_that_they_have_macros_are_refused() {
    let before = |length| vec![0x0f; length];
    // Also where it lies across whatever pieces a reader reads.
    for length in [0, 1, 7, 4_090, 8_180, 65_530, 65_536, 200_000] {
        for (info, has) in
            [(vba_info(7, 1), true), (vba_info(7, 0), true), (vba_info(0, 1), true), (vba_info(0, 0), false)]
        {
            let stream = [before(length), info, before(9)].concat();
            let error = refused(&compound_of(&[("/PowerPoint Document", &stream)]), Format::Ppt);
            assert_eq!(matches!(error, Some(Unfit::Macros(Format::Ppt))), has, "{length}: {error:?}");
        }
    }
}

#[test]
fn packages_with_macros_are_refused() {
    let table = |folder: &str, main: &str, more: &str| {
        let main = format!("application/vnd.openxmlformats-officedocument.{main}");
        format!("<Types><Override PartName=\"/{folder}/main.xml\" ContentType=\"{main}\"/>{more}</Types>")
    };
    for (folder, main, format) in [
        ("word", "wordprocessingml.document.main+xml", Format::Docx),
        ("ppt", "presentationml.presentation.main+xml", Format::Pptx),
    ] {
        let part = format!("{folder}/main.xml");
        let plain = table(folder, main, "");
        for name in ["vbaProject.bin", "VBAPROJECT.BIN", "vbaData.xml", "other/vbaProjectSignature.bin"] {
            let name = format!("{folder}/{name}");
            let bytes = zipped(&[("[Content_Types].xml", &plain), (&part, "<a/>"), (&name, "x")]);
            assert!(matches!(refused(&bytes, format), Some(Unfit::Macros(_))), "{name}");
        }
        for more in [
            "<Override PartName=\"/word/harmless.bin\" ContentType=\"application/vnd.ms-office.vbaProject\"/>",
            "<Default Extension=\"xml\" ContentType=\"application/vnd.ms-office.VBAPROJECT\"/>",
            "<Default Extension=\"xlsm\" ContentType=\"application/vnd.ms-excel.sheet.macroEnabled.12\"/>",
            "<Override PartName=\"/word/x\" ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/>",
        ] {
            let bytes = zipped(&[("[Content_Types].xml", &table(folder, main, more)), (&part, "<a/>")]);
            assert!(matches!(refused(&bytes, format), Some(Unfit::Macros(_))), "{more}");
        }
        // As whole documents with macros have it, under whatever name.
        let enabled = "<Types><Default Extension=\"xml\" \
            ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/></Types>";
        let bytes = zipped(&[("[Content_Types].xml", enabled), (&part, "<a/>")]);
        assert!(matches!(refused(&bytes, format), Some(Unfit::Macros(_))));
        // Ways to write a table that others would read otherwise than this does.
        for more in ["<Default Extension=\"x\" ContentType=\"a&#118;baProject\"/>", "<!-- -->", "<![CDATA[x]]>"] {
            let bytes = zipped(&[("[Content_Types].xml", &table(folder, main, more)), (&part, "<a/>")]);
            assert!(matches!(refused(&bytes, format), Some(Unfit::Unknown(_))), "{more}");
        }
        let padded = table(folder, main, &" ".repeat(2 << 20));
        let bytes = zipped(&[("[Content_Types].xml", &padded), (&part, "<a/>")]);
        assert!(matches!(refused(&bytes, format), Some(Unfit::Unknown(_))), "a table that is not read to its end");
        let twice = [("[Content_Types].xml", plain.as_str()), ("[CONTENT_TYPES].xml", &plain), (&part, "<a/>")];
        assert!(matches!(refused(&zipped(&twice), format), Some(Unfit::Unknown(_))), "two tables");
    }
    assert!(refused(&packed("word", "wordprocessingml.document.main+xml"), Format::Docx).is_none());
    assert!(refused(&sample(Format::Pptx), Format::Pptx).is_none());
}
