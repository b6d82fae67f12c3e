//! What goes to stdout: the answer, and nothing else. Everything said on the way goes to stderr.

use std::io::{Write, stderr, stdout};

use crate::failure::Done;

/// Prints a text and ends the line. A reader who has gone is reported as such, not as a panic.
pub fn line(text: &str) -> Done {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// Prints a part of an answer that comes part by part.
pub fn part(bytes: &[u8]) -> Done {
    let mut out = stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Says something on the way, on stderr. Whoever does not listen misses it, and nothing else happens.
pub fn say(text: &str) {
    let _ = writeln!(stderr().lock(), "{text}");
}
