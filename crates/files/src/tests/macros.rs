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
