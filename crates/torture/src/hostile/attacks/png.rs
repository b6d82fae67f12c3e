//! The most laborious picture of a size: noise, which nothing makes smaller. It is written without any compression, so
//! that making it is not what takes the time.

/// The bytes of one pixel, with its transparency.
const PIXEL_BYTES: usize = 4;
/// What a row begins with that is as it is.
const NO_FILTER: u8 = 0;
/// The most bytes of a block that is stored as it is (RFC 1951, 3.2.4).
const BLOCK_BYTES: usize = 0xffff;

/// A PNG of so many pixels.
pub fn noise(width: u32, height: u32) -> Vec<u8> {
    let (columns, rows) = (width as usize, height as usize);
    let mut state: u32 = 0x2545_f491;
    let mut pixels = Vec::with_capacity(rows * (1 + columns * PIXEL_BYTES));
    for _ in 0..rows {
        pixels.extend_from_slice(&[NO_FILTER]);
        for _ in 0..columns {
            // Marsaglia's xorshift: as good as chance to whoever compresses it.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            pixels.extend_from_slice(&state.to_be_bytes());
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    // Eight bits for each of red, green, blue and transparency; not interlaced.
    chunk(&mut png, *b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat());
    chunk(&mut png, *b"IDAT", &stored(&pixels));
    chunk(&mut png, *b"IEND", &[]);
    png
}

/// A zlib stream that stores what it is given.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let last = bytes.len().saturating_sub(1) / BLOCK_BYTES;
    for (nth, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(nth == last));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(&adler2::adler32_slice(bytes).to_be_bytes());
    stream
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) {
    png.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    let begins = png.len();
    png.extend_from_slice(&kind);
    png.extend_from_slice(body);
    let sum = crc32fast::hash(&png[begins..]);
    png.extend_from_slice(&sum.to_be_bytes());
}
