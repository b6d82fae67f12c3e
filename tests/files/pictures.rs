//! Pictures that are made to take much: they harm the process that decodes them, and nobody else.

use serde_json::json;

use super::{PNG, rows, send, stored};
use crate::school::School;

/// A chunk of a PNG.
fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let named = [kind, content].concat();
    let checksum = !named.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    let length = u32::try_from(content.len()).expect("a length");
    [&length.to_be_bytes()[..], &named, &checksum.to_be_bytes()].concat()
}

/// So many MiB of nothing, packed: blocks that each repeat the byte before them.
fn packed_nothing(mebibytes: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("x", zip::write::SimpleFileOptions::default()).expect("a part");
    let nothing = vec![0; 1 << 20];
    for _ in 0..mebibytes {
        std::io::Write::write_all(&mut zip, &nothing).expect("it is written");
    }
    let zip = zip.finish().expect("a package").into_inner();
    let beginning =
        30 + usize::from(u16::from_le_bytes([zip[26], zip[27]])) + usize::from(u16::from_le_bytes([zip[28], zip[29]]));
    let end = zip.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").expect("a directory");
    // As zlib frames it. Its checksum is never come to.
    [&[0x78, 0x9c][..], &zip[beginning..end], &[0; 4]].concat()
}

#[tokio::test]
async fn what_is_packed_in_a_picture_beside_its_pixels_takes_no_memory() {
    let school = School::open().await;
    let nothing = packed_nothing(400);
    for (kind, before) in [(b"iCCP", &b"x\0\0"[..]), (b"zTXt", b"x\0\0"), (b"iTXt", b"x\0\x01\0\0\0")] {
        let bomb = chunk(kind, &[before, &nothing].concat());
        let picture = [&PNG[..33], &bomb, &PNG[33..]].concat();
        let taken = send(&school, &school.owner, "a.png", picture).await;
        assert_eq!(taken.status, 200, "{}", taken.text);
    }
    assert_eq!(stored(&school).len(), 6, "each with its WebP");
}

/// A photograph whose head says that it is one of fifty million pixels, to be refined step by step: all of it would have
/// to be in memory several times over.
fn boundless_photograph() -> Vec<u8> {
    let mut jpeg = b"\xff\xd8".to_vec();
    let mut segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).expect("a length").to_be_bytes();
        jpeg.extend([&[0xff, marker][..], &length, content].concat());
    };
    segment(0xdb, &[&[0][..], &[1; 64]].concat());
    let (height, width) = (3_050_u16.to_be_bytes(), 16_383_u16.to_be_bytes());
    segment(0xc2, &[&[8][..], &height, &width, &[3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]].concat());
    // One code, for no difference.
    segment(0xc4, &[&[0, 1][..], &[0; 15], &[0]].concat());
    segment(0xda, &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0]);
    jpeg.resize(jpeg.len() + 4_000_000, 0);
    jpeg.extend(b"\xff\xd9");
    jpeg
}

#[tokio::test]
async fn a_picture_that_takes_too_much_is_refused_and_others_are_taken() {
    let school = School::open().await;
    let refused = send(&school, &school.owner, "a.jpg", boundless_photograph()).await;
    assert_eq!((refused.status, &refused.json["code"]), (422, &json!("invalid_fields")), "{}", refused.text);
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert!(detail.contains("too much memory or time"), "{detail}");
    assert_eq!((rows(&school).await, stored(&school).len()), (0, 0));
    assert_eq!(send(&school, &school.owner, "a.png", PNG).await.status, 200);
}
