//! What files are told to be by their content.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{Frame, ImageFormat, RgbaImage};
use proptest::prelude::*;

use super::{compound, examine as webp_of, image as picture, packed, sample, zipped};
use crate::contents::Unfit;
use crate::format::{Format, Kind};
use crate::picture::encoded;

#[test]
fn every_format_is_known_by_its_content() {
    for format in Format::ALL {
        let webp = webp_of(&sample(format), format).unwrap();
        let expected = format.kind() == Kind::Image && format != Format::Webp;
        assert_eq!(webp.is_some(), expected, "{format:?}");
        if let Some(webp) = webp {
            let decoded = image::load_from_memory_with_format(&webp, ImageFormat::WebP).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (40, 30), "{format:?}");
        }
    }
}

#[test]
fn refuses_a_file_that_is_another_than_its_name_says() {
    for claimed in Format::ALL {
        for found in Format::ALL.into_iter().filter(|found| *found != claimed) {
            let refused = webp_of(&sample(found), claimed).unwrap_err();
            assert!(
                matches!(refused, Unfit::Another { claimed: c, found: f } if (c, f) == (claimed, found)),
                "{refused}"
            );
        }
    }
}

#[test]
fn refuses_what_is_none_of_them() {
    let unknown: [(Vec<u8>, Format); 9] = [
        (b"<!DOCTYPE html><script>alert(1)</script>".to_vec(), Format::Pdf),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(), Format::Png),
        (b"MZ\x90\0\x03".to_vec(), Format::Docx),
        (b" %PDF-1.7 %%EOF".to_vec(), Format::Pdf),
        (zipped(&[("word/document.xml", "<a/>")]), Format::Docx),
        (zipped(&[("a.txt", "wordprocessingml.document.main+xml word/")]), Format::Docx),
        (packed("xl", "spreadsheetml.sheet.main+xml"), Format::Pptx),
        (compound("/Workbook"), Format::Doc),
        (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0".to_vec(), Format::Png),
    ];
    for (bytes, claimed) in unknown {
        let refused = webp_of(&bytes, claimed).unwrap_err();
        assert!(matches!(refused, Unfit::Unknown(_)), "{claimed:?}: {refused}");
    }
    assert!(matches!(webp_of(b"", Format::Pdf), Err(Unfit::Empty)));
}

#[test]
fn refuses_files_that_break_off() {
    for format in Format::ALL {
        let whole = sample(format);
        let refused = webp_of(&whole[..whole.len() * 2 / 3], format);
        // An interrupted photograph is still a photograph, with a grey rest.
        if format != Format::Jpeg {
            assert!(matches!(refused, Err(Unfit::Broken(_) | Unfit::Unknown(_))), "{format:?}: {refused:?}");
        }
    }
    let photograph = sample(Format::Jpeg);
    assert!(matches!(webp_of(&photograph[..60], Format::Jpeg), Err(Unfit::Broken(Format::Jpeg))));
}

/// A PNG without pixels, of this size.
fn hollow(width: u32, height: u32) -> Vec<u8> {
    let mut png = picture(ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = checksum(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    png
}

/// The checksum of a PNG's chunk.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[test]
fn refuses_pictures_that_would_fill_the_memory() {
    for (width, height) in [(16_384, 1), (60_000, 60_000), (10_000, 10_000), (u32::MAX >> 1, u32::MAX >> 1)] {
        let refused = webp_of(&hollow(width, height), Format::Png).unwrap_err();
        assert!(matches!(refused, Unfit::TooManyPixels | Unfit::Broken(_)), "{width} x {height}: {refused}");
    }
    assert!(matches!(webp_of(&hollow(10_000, 10_000), Format::Png), Err(Unfit::TooManyPixels)));
}

#[test]
fn a_picture_loses_nothing_unless_that_takes_more_than_its_file() {
    let drawing = image::load_from_memory(&sample(Format::Png)).unwrap();
    for (is_photograph, most, codec) in
        [(false, u64::MAX, b"VP8L"), (false, 8, b"VP8 "), (true, u64::MAX, b"VP8 "), (true, 8, b"VP8 ")]
    {
        let webp = encoded(drawing.clone(), is_photograph, most).unwrap();
        assert_eq!(&webp[12..16], codec, "{is_photograph} {most}");
    }
    let clear =
        image::DynamicImage::from(RgbaImage::from_fn(9, 9, |x, _| image::Rgba([9, 9, 9, u8::try_from(x).unwrap()])));
    let webp = encoded(clear, false, 8).unwrap();
    let decoded = image::load_from_memory_with_format(&webp, ImageFormat::WebP).unwrap();
    assert!(decoded.color().has_alpha(), "what shows through goes on doing so");
}

#[test]
fn a_picture_above_twelve_megapixels_is_proved_and_left_as_it_is() {
    let of = |width| {
        let mut bytes = Cursor::new(Vec::new());
        image::DynamicImage::new_luma8(width, 3_000).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    assert!(webp_of(&of(4_000), Format::Png).unwrap().is_some());
    let larger = of(4_001);
    assert!(webp_of(&larger, Format::Png).unwrap().is_none());
    assert!(matches!(webp_of(&larger[..larger.len() / 2], Format::Png), Err(Unfit::Broken(_))));
}

#[test]
fn a_picture_that_moves_is_left_as_it_is() {
    let mut bytes = Cursor::new(Vec::new());
    let frame = |red| Frame::new(RgbaImage::from_pixel(8, 8, image::Rgba([red, 0, 0, 255])));
    GifEncoder::new(&mut bytes).encode_frames([frame(10), frame(200)]).unwrap();
    assert!(webp_of(bytes.get_ref(), Format::Gif).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_make_it_panic(
        nth in 0..Format::ALL.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let format = Format::ALL[nth];
        let mut bytes = sample(format);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        // Whatever it is found to be, it is found.
        if let Ok(Some(webp)) = webp_of(&bytes, format) {
            prop_assert!(webp.starts_with(b"RIFF"));
        }
    }
}
