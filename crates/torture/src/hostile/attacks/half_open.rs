//! Thousands of connections, from several addresses, that are opened and never used.

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::connections::{Crowd, open};

/// Their addresses, and how many connections come from all of them: more than one process takes.
const FROM: std::ops::Range<u8> = 30..36;
const CONNECTIONS: usize = 6_000;

/// Opens them.
pub async fn run(target: Target) -> Result<(), Error> {
    let crowd = Crowd { addresses: FROM, count: CONNECTIONS, receives: None };
    open(&target, crowd, |_, slow| slow.waits()).await
}
