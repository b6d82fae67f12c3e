//! Where messages of PostgreSQL's protocol begin and end in a stream of bytes. It never keeps one.

use super::Trouble;

/// What a message begins with: its kind and its length.
const HEADER: usize = 5;
/// The length counts itself.
const LENGTH: usize = 4;

/// The place in a stream.
#[derive(Debug, Default)]
pub struct Frames {
    header: [u8; HEADER],
    /// How much of the header is there.
    begun: usize,
    /// How much of the body is missing.
    left: usize,
    passes: bool,
}

impl Frames {
    /// Goes on by these bytes. `sees` hears of every message, its kind and how long its body is, and says whether it passes: then it
    /// goes to `out`.
    pub fn walk(
        &mut self,
        mut bytes: &[u8],
        out: &mut Vec<u8>,
        mut sees: impl FnMut(u8, usize) -> Result<bool, Trouble>,
    ) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (body, rest) = bytes.split_at(bytes.len().min(self.left));
                if self.passes {
                    out.extend_from_slice(body);
                }
                self.left -= body.len();
                bytes = rest;
                continue;
            }
            let (begins, rest) = bytes.split_at(bytes.len().min(HEADER - self.begun));
            self.header[self.begun..][..begins.len()].copy_from_slice(begins);
            self.begun += begins.len();
            bytes = rest;
            if self.begun == HEADER {
                let [kind, length @ ..] = self.header;
                self.left = body(length)?;
                self.begun = 0;
                self.passes = sees(kind, self.left)?;
                if self.passes {
                    out.extend_from_slice(&self.header);
                }
            }
        }
        Ok(())
    }
}

/// How long a body is, by the length of its message.
pub fn body(length: [u8; LENGTH]) -> Result<usize, Trouble> {
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| Trouble::Protocol)?;
    length.checked_sub(LENGTH).ok_or(Trouble::Protocol)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_length_that_does_not_count_itself_is_no_message() {
        let seen = Frames::default().walk(&[b'D', 0, 0, 0, 3], &mut Vec::new(), |_, _| Ok(true));
        assert!(matches!(seen, Err(Trouble::Protocol)), "{seen:?}");
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_the_stream_is_cut(
            messages in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..20)), 0..8),
            cuts in prop::collection::vec(1..9_usize, 1..99),
        ) {
            let written = |messages: &[(u8, Vec<u8>)]| -> Vec<u8> {
                messages.iter().flat_map(|(kind, body)| {
                    let length = u32::try_from(body.len() + LENGTH).unwrap().to_be_bytes();
                    [&[*kind][..], &length, body].concat()
                }).collect()
            };
            let (mut frames, mut out, mut seen) = (Frames::default(), Vec::new(), Vec::new());
            let stream = written(&messages);
            let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                frames.walk(piece, &mut out, |kind, length| { seen.push((kind, length)); Ok(kind % 2 == 0) }).unwrap();
                rest = after;
            }
            let all: Vec<_> = messages.iter().map(|(kind, body)| (*kind, body.len())).collect();
            prop_assert_eq!(seen, all);
            let even: Vec<_> = messages.into_iter().filter(|(kind, _)| kind % 2 == 0).collect();
            prop_assert_eq!(out, written(&even));
        }
    }
}
