//! One event as PostgreSQL's binary COPY writes it: cut for the reader, decoded for the workers. It knows the columns of
//! `events`, and nothing of connections.

use std::borrow::Cow;

use chrono::DateTime;
use rollbook_domain::{Authority, Event, PersonId, SiteId};
use serde::Deserialize;
use uuid::Uuid;

use crate::load::stream_id;
use crate::{Position, Recorded, StoreError};

/// The columns, in the order in which they are sent. What the reader looks at comes first. Metadata that nobody needs is sent
/// as an empty object.
pub(crate) fn columns(actors: bool) -> String {
    let metadata = if actors { "metadata" } else { "'{}'::json" };
    format!(
        "aggregate_id, position, aggregate_type, sequence, event_type, event_version, payload, {metadata}, site_id,
        command_id, recorded_at"
    )
}

/// How many they are.
const COLUMN_COUNT: i16 = 11;

/// The length of the header of a binary COPY: a signature of 11 bytes, flags, and the length of an extension (none).
pub(crate) const HEADER_BYTES: usize = 19;

/// From PostgreSQL's epoch, 2000-01-01, to that of Unix, in microseconds.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// What the reader needs to know of a tuple.
pub(crate) struct Cut {
    pub position: Position,
    /// Of the stream's id: the same for all events of a stream.
    pub hash: u64,
}

/// Looks at the first columns of a tuple; none is the end of the COPY.
pub(crate) fn cut(tuple: &[u8]) -> Result<Option<Cut>, StoreError> {
    let mut rest = tuple;
    match i16::from_be_bytes(array(&mut rest)?) {
        -1 => return Ok(None),
        COLUMN_COUNT => {}
        _ => return Err(torn()),
    }
    let hash = hash(field(&mut rest)?);
    Ok(Some(Cut { position: i64::from_be_bytes(value(&mut rest)?), hash }))
}

/// Decodes the first tuple of a batch and steps over it. The error has the position, where that much could be read.
pub(crate) fn decode(batch: &mut &[u8]) -> Result<Recorded, (Option<Position>, StoreError)> {
    let nowhere = |error| (None, error);
    let _: [u8; 2] = array(batch).map_err(nowhere)?;
    let id = field(batch).map_err(nowhere)?;
    let position = i64::from_be_bytes(value(batch).map_err(nowhere)?);
    rest(position, id, batch).map_err(|error| (Some(position), error))
}

fn rest(position: Position, id: &[u8], tuple: &mut &[u8]) -> Result<Recorded, StoreError> {
    let stream = stream_id(text(field(tuple)?)?, text(id)?)?;
    let sequence = i64::from_be_bytes(value(tuple)?);
    let (event_type, version, payload) = (field(tuple)?, field(tuple)?, field(tuple)?);
    let Who { actor, authority } = serde_json::from_str(text(field(tuple)?)?)?;
    let site = SiteId(Uuid::from_bytes(value(tuple)?));
    let command_id = Uuid::from_bytes(value(tuple)?).into();
    let micros = i64::from_be_bytes(value(tuple)?).checked_add(EPOCH_MICROS);
    Ok(Recorded {
        position,
        site,
        stream,
        sequence,
        command_id,
        actor: actor.map(|actor| parse::<PersonId>(&actor)).transpose()?,
        authority: authority.map(|authority| parse::<Authority>(&authority)).transpose()?,
        recorded_at: micros.and_then(DateTime::from_timestamp_micros).ok_or_else(torn)?,
        event: Event::decode(stream.kind, text(event_type)?, text(version)?, text(payload)?)?,
    })
}

/// What is needed of the metadata; the rest is skipped.
#[derive(Deserialize)]
struct Who<'m> {
    #[serde(borrow)]
    actor: Option<Cow<'m, str>>,
    #[serde(borrow)]
    authority: Option<Cow<'m, str>>,
}

/// Bytes that are no tuple of these columns.
pub(crate) fn torn() -> StoreError {
    StoreError::Corrupt("a tuple of the log that is not as it was asked for".to_owned())
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("metadata that cannot be read: {text}")))
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], StoreError> {
    let (head, tail) = rest.split_first_chunk().ok_or_else(torn)?;
    *rest = tail;
    Ok(*head)
}

/// A column of any length. All columns of the log are NOT NULL, so that a negative length is none.
fn field<'t>(rest: &mut &'t [u8]) -> Result<&'t [u8], StoreError> {
    let length = usize::try_from(i32::from_be_bytes(array(rest)?)).map_err(|_| torn())?;
    let (head, tail) = rest.split_at_checked(length).ok_or_else(torn)?;
    *rest = tail;
    Ok(head)
}

/// A column of a known length.
fn value<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], StoreError> {
    field(rest)?.try_into().map_err(|_| torn())
}

fn text(field: &[u8]) -> Result<&str, StoreError> {
    std::str::from_utf8(field).map_err(|_| torn())
}

/// Fast and even enough to share streams out; nothing is kept by it.
fn hash(id: &[u8]) -> u64 {
    let hash = id.chunks(8).fold(0_u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95)
    });
    // The upper bits are the mixed ones, and a remainder looks at the lower ones.
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_tuple_is_said_to_be_torn() {
        let mut whole = COLUMN_COUNT.to_be_bytes().to_vec();
        whole.extend(4_i32.to_be_bytes());
        whole.extend(b"some");
        whole.extend(8_i32.to_be_bytes());
        whole.extend(7_i64.to_be_bytes());
        assert_eq!(cut(&whole).unwrap().unwrap().position, 7);
        for length in 0..whole.len() {
            assert!(cut(&whole[..length]).is_err(), "{length}");
        }
        assert!(cut(&(-1_i16).to_be_bytes()).unwrap().is_none(), "the end");
        assert!(matches!(decode(&mut &whole[..]), Err((Some(7), StoreError::Corrupt(_)))));
    }

    #[test]
    fn streams_are_shared_out_evenly() {
        let mut counts = [0_u32; 4];
        for n in 0..4_000_u128 {
            let id = Uuid::from_u128(0x0198_c1d2_7a55_7c3e_9d53_0b7f_6d1f_0000 + n).to_string();
            counts[usize::try_from(hash(id.as_bytes()) % 4).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}
