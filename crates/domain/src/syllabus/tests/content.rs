//! What a material may consist of: the usual links and files, and nothing that hides where it leads.

use super::super::{ContentError, MaterialKind};
use super::*;

fn read(kind: MaterialKind, content: &str) -> Result<MaterialContent, ContentError> {
    MaterialContent::read(kind, content, None)
}

#[test]
fn a_video_is_known_by_its_id_however_it_is_linked() {
    let links = [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "http://youtube.com/watch?v=dQw4w9WgXcQ&t=42s",
        "https://m.youtube.com/watch?app=desktop&v=dQw4w9WgXcQ#comments",
        "https://music.youtube.com/watch?v=dQw4w9WgXcQ&list=RDAMVM",
        "HTTPS://WWW.YOUTUBE.COM/watch?v=dQw4w9WgXcQ",
        "https://youtu.be/dQw4w9WgXcQ?si=abc",
        "https://www.youtube.com/embed/dQw4w9WgXcQ",
        "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?start=3",
        "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "https://www.youtube.com/live/dQw4w9WgXcQ?feature=share",
        "https://www.youtube.com/live/dQw4w9WgXcQ/",
    ];
    for link in links {
        let expected = MaterialContent::Video { youtube_id: "dQw4w9WgXcQ".to_owned() };
        assert_eq!(read(MaterialKind::Video, link), Ok(expected), "{link}");
    }
}

#[test]
fn nothing_else_is_a_video() {
    let links = [
        "",
        "dQw4w9WgXcQ",
        "youtube.com/watch?v=dQw4w9WgXcQ",
        "//youtube.com/watch?v=dQw4w9WgXcQ",
        "javascript:alert('https://youtu.be/dQw4w9WgXcQ')",
        "ftp://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://vimeo.com/148751763",
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        "https://evil.example/youtube.com/watch?v=dQw4w9WgXcQ",
        "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com@evil.example/watch?v=dQw4w9WgXcQ",
        "https://evil@youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com:8443/watch?v=dQw4w9WgXcQ",
        "https://уoutube.com/watch?v=dQw4w9WgXcQ",
        "https://youtu.be/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=dQw4w9WgXc",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQQ",
        "https://www.youtube.com/watch?v=dQw4w9WgX\"Q",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&v=aaaaaaaaaaa",
        "https://www.youtube.com/playlist?list=PLrAXtmErZgOeiKm4",
        "https://www.youtube.com/embed/videoseries?list=PLrAXtmErZgOeiKm4",
        "https://www.youtube.com/embed/live_stream?channel=UC4R8DWoMoI7CAwX8_LjQHig",
        "https://www.youtube.com/embed/dQw4w9WgXcQ/../../redirect",
        "https://www.youtube.com/redirect?q=https://evil.example&v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=dQw4\nw9WgXcQ",
    ];
    for link in links {
        assert_eq!(read(MaterialKind::Video, link), Err(ContentError::NotYouTube), "{link}");
    }
}

#[test]
fn a_link_shows_whole_where_it_leads() {
    let link = |url: &str| Ok(MaterialContent::Link { url: url.to_owned() });
    assert_eq!(read(MaterialKind::Link, "https://example.org/läsning?q=å#x"), {
        link("https://example.org/l%C3%A4sning?q=%C3%A5#x")
    });
    assert_eq!(read(MaterialKind::Link, "HTTP://Example.ORG"), link("http://example.org/"));
    let refused = [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "mailto:a@example.org",
        "https://bank.example@evil.example/",
        "https://a:b@example.org/",
        "https://",
        "/v1/me",
        "//example.org",
        "example.org",
        "https://example.org/ evil",
        "",
    ];
    for address in refused {
        assert_eq!(read(MaterialKind::Link, address), Err(ContentError::NotAnAddress), "{address}");
    }
}

#[test]
fn a_link_is_of_a_sane_length_also_once_it_is_encoded() {
    let long = format!("https://example.org/{}", "a".repeat(1_980));
    assert!(read(MaterialKind::Link, &long).is_ok());
    assert_eq!(read(MaterialKind::Link, &format!("{long}a")), Err(ContentError::AddressTooLong));
    let encoded = format!("https://example.org/{}", "字".repeat(400));
    assert_eq!(read(MaterialKind::Link, &encoded), Err(ContentError::AddressTooLong));
}

#[test]
fn a_file_is_an_upload_of_its_kind() {
    let image = picture(UPLOAD);
    let file = image.file().unwrap();
    let named = UPLOAD.to_string();
    let read = |kind, content: &str, file| MaterialContent::read(kind, content, file);
    assert_eq!(read(MaterialKind::Image, &named, Some(file)), Ok(image.clone()));
    assert_eq!(read(MaterialKind::Image, &named, None), Err(ContentError::NoSuchUpload));
    assert_eq!(read(MaterialKind::Image, "map.png", Some(file)), Err(ContentError::NoSuchUpload));
    let other = Err(ContentError::OtherKind { actual: MaterialKind::Image });
    assert_eq!(read(MaterialKind::Document, &named, Some(file)), other);
}

#[test]
fn a_page_is_taken_as_it_is_written() {
    let source = "# Välkommen\n\n<script>alert(1)</script> [x](javascript:alert(1))";
    assert_eq!(read(MaterialKind::Page, source), Ok(page(source)));
}
