//! Which part of a file a request wants, if any: RFC 9110's conditions and ranges. What is not understood is ignored, as
//! that says.

use std::ops::Range;

use axum::http::HeaderMap;
use axum::http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};

/// How much of a file is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// These bytes, at least one.
    Bytes(Range<u64>),
    /// Nothing that it has.
    Beyond,
}

/// Whether the client has this already.
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).any(|known| {
        // A copy that is as good will do.
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}

/// What a request wants of a file of so many bytes, whose tag is this.
pub fn part(headers: &HeaderMap, tag: &str, size: u64) -> Part {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text(RANGE), text(IF_RANGE)) {
        (None, _) => Part::Whole,
        // The client has the beginning of another version, and needs the whole of this one.
        (_, Some(version)) if version != tag => Part::Whole,
        (Some(range), _) => range.strip_prefix("bytes=").and_then(|range| of_range(range, size)).unwrap_or(Part::Whole),
    }
}

/// One range; none is none that can be read.
fn of_range(range: &str, size: u64) -> Option<Part> {
    let (first, last) = range.trim().split_once('-')?;
    let (first, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Some(first), None) if last.is_empty() => (first, size),
        (None, Some(length)) if first.is_empty() => {
            (if length == 0 { size } else { size.saturating_sub(length) }, size)
        }
        _ => return None,
    };
    Some(if first < end { Part::Bytes(first..end) } else { Part::Beyond })
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
