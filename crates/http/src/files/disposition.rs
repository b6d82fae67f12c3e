//! `Content-Disposition` (RFC 6266): what a file is called, for programs that read Unicode and for those that do not. No
//! name can end its own quotes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 5987 lets stand for itself, besides letters and digits.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header's value for a file of this name, or for the WebP beside it.
pub fn disposition(name: &str, webp: bool, inline: bool) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let name = if webp { format!("{stem}.webp") } else { name.to_owned() };
    let plain = |letter: char| (letter == ' ' || letter.is_ascii_graphic()) && !matches!(letter, '"' | '\\' | '%');
    let ascii: String = name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let kind = if inline { "inline" } else { "attachment" };
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(&name, ENCODED))
}
