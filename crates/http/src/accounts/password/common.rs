//! The passwords that are tried first everywhere, from lists of stolen ones. How the file is made: `make_common.py`.

use sha2::{Digest, Sha256};

/// How many bytes of a hash are kept: of a million other words, fewer than one is taken for one of these.
const BYTES: usize = 5;

/// The hashes, in order.
const HASHES: &[u8] = include_bytes!("common.bin");

/// Whether a password, in lower case, is one of them, or what is left of one without its ending.
pub fn contains(word: &str) -> bool {
    let hash = Sha256::digest(word);
    let (hashes, _) = HASHES.as_chunks::<BYTES>();
    hashes.binary_search_by(|known| known.as_slice().cmp(&hash[..BYTES])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_in_order() {
        let (hashes, rest) = HASHES.as_chunks::<BYTES>();
        assert!(rest.is_empty() && hashes.len() > 150_000, "{}", hashes.len());
        assert!(hashes.is_sorted_by(|a, b| a < b));
        assert!(HASHES.len() <= 1 << 20, "it is in every binary");
    }
}
