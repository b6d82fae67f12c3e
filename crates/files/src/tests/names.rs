//! What becomes of names.

use crate::format::{Format, Kind};
use crate::name::{FileName, NameError};

#[test]
fn a_name_leads_nowhere_and_hides_nothing() {
    for (given, shown, in_key) in [
        ("Week 1.pdf", "Week 1.pdf", "week-1.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf", "passwd.pdf"),
        ("..\\..\\Windows\\win.PDF", "win.PDF", "win.pdf"),
        ("C:\\fakepath\\a.pdf", "a.pdf", "a.pdf"),
        ("/absolute/../x.pdf", "x.pdf", "x.pdf"),
        ("....pdf.pdf", "pdf.pdf", "pdf.pdf"),
        ("a\u{0}b\r\nSet-Cookie: x.pdf", "abSet-Cookie: x.pdf", "abset-cookie-x.pdf"),
        ("invoice\u{202e}fdp.exe.pdf", "invoicefdp.exe.pdf", "invoicefdp-exe.pdf"),
        ("zero\u{200b}width\u{2066}.pdf", "zerowidth.pdf", "zerowidth.pdf"),
        ("Pūtaiao – 第一週.pdf", "Pūtaiao – 第一週.pdf", "p-taiao.pdf"),
        ("第一週.pdf", "第一週.pdf", "file.pdf"),
        ("\"quoted\"; filename=x.pdf", "\"quoted\"; filename=x.pdf", "quoted-filename-x.pdf"),
        ("%2e%2e%2fx.pdf", "%2e%2e%2fx.pdf", "2e-2e-2fx.pdf"),
    ] {
        let name = FileName::try_new(given).unwrap();
        assert_eq!((name.shown(), name.in_key("pdf").as_str()), (shown, in_key), "{given:?}");
        assert_eq!(name.format(), Format::Pdf);
    }
}

#[test]
fn a_name_says_what_the_file_is() {
    for (given, format, kind) in [
        ("a.jpeg", Format::Jpeg, Kind::Image),
        ("a.JPG", Format::Jpeg, Kind::Image),
        ("a.b.Docx", Format::Docx, Kind::Document),
        ("a.pdf.webp", Format::Webp, Kind::Image),
    ] {
        let name = FileName::try_new(given).unwrap();
        assert_eq!((name.format(), name.format().kind()), (format, kind), "{given}");
    }
    for format in Format::ALL {
        assert_eq!(Format::of_extension(format.extension()), Some(format));
    }
    for given in ["a", "a.", "pdf", ".pdf", "a.svg", "a.html", "a.pdf.exe", "a.docm", "a.pdf/b", "a.xlsx"] {
        assert_eq!(FileName::try_new(given), Err(NameError::Extension), "{given}");
    }
}

#[test]
fn a_name_is_there_and_not_too_long() {
    for given in ["", " ", "...", "/", "..\\", "\u{202e}", "a/.."] {
        assert_eq!(FileName::try_new(given), Err(NameError::Empty), "{given:?}");
    }
    let longest = format!("{}.pdf", "é".repeat(196));
    assert_eq!(FileName::try_new(&longest).unwrap().shown(), longest);
    assert_eq!(FileName::try_new(&format!("x{longest}")), Err(NameError::TooLong(201)));
    let long = FileName::try_new(&format!("{}.pdf", "a".repeat(196))).unwrap();
    assert_eq!(long.in_key("pdf").len(), 84);
    assert!(!format!("{long:?}").contains("aaa"), "a name may be somebody's");
}
