//! Bodies that end well, and those that do not.

use std::io::{self, Seek};

use futures::{StreamExt, stream};

use super::sample;
use crate::format::Format;
use crate::received::{LIMIT_BYTES, ReceiveError, Received};

fn pieces(pieces: Vec<Vec<u8>>) -> impl futures::Stream<Item = io::Result<Vec<u8>>> + Unpin {
    stream::iter(pieces.into_iter().map(Ok))
}

#[tokio::test]
async fn counts_and_hashes_what_comes_in_pieces() {
    let pdf = sample(Format::Pdf);
    let received = Received::receive(pieces(pdf.chunks(7).map(<[u8]>::to_vec).collect())).await.unwrap();
    assert_eq!(received.size, pdf.len() as u64);
    assert_eq!(received.sha256, format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(&pdf)));
    let mut file = received.file;
    file.rewind().unwrap();
    assert_eq!(io::read_to_string(file).unwrap().into_bytes(), pdf);
}

#[tokio::test]
async fn takes_the_limit_and_not_a_byte_more() {
    let piece = vec![0_u8; 1 << 20];
    let count = usize::try_from(LIMIT_BYTES).unwrap() / piece.len();
    let body = |more: Vec<u8>| {
        let full = std::iter::repeat_n(piece.clone(), count).chain([more]);
        Received::receive(stream::iter(full.map(io::Result::Ok)))
    };
    assert!(body(Vec::new()).await.is_ok());
    assert!(matches!(body(vec![0]).await, Err(ReceiveError::TooLarge)));
}

#[tokio::test(start_paused = true)]
async fn lets_go_of_a_sender_who_stalls() {
    let silent = Received::receive(stream::pending::<io::Result<Vec<u8>>>()).await;
    assert!(matches!(silent, Err(ReceiveError::Stalled)));
    let slow = stream::repeat(b"x").then(|byte| async move {
        tokio::time::sleep(std::time::Duration::from_secs(29)).await;
        io::Result::Ok(byte)
    });
    let slow = Received::receive(Box::pin(slow)).await;
    assert!(matches!(slow, Err(ReceiveError::Stalled)));
}

#[tokio::test]
async fn lets_go_of_a_sender_who_breaks_off() {
    let broken = stream::iter([Ok(vec![1]), Err(io::Error::other("gone"))]);
    assert!(matches!(Received::receive(broken).await, Err(ReceiveError::BrokenOff(_))));
}
