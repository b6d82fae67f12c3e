//! Pictures are decoded and encoded in a process apart: whatever a hostile one makes of a decoder takes memory, time and
//! rights from that process alone. This file is both its sides: how it is asked, and what it does.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};

use crate::contents::Unfit;
use crate::format::Format;
use crate::picture;
use crate::process::Process;
use crate::received::{LIMIT_BYTES, in_background};

/// How the process that is to decode a picture is called, as the first of its arguments; then comes the format.
const COMMAND: &str = "decode-picture";

/// What the third argument says once the limits hold.
const LIMITED: &str = "limited";

/// The most memory that it may write to: decoding takes 200 MB for the largest picture, encoding 300 MB for the largest that
/// is encoded.
const MEMORY_BYTES: u64 = 384 << 20;

/// The most of its address space, with the program itself, which without being optimised is large.
const ADDRESS_BYTES: u64 = 1 << 30;

/// How long it may compute: many times what the largest picture takes on a slow machine.
const CPU_SECONDS: u64 = 20;

/// How long it may be about it, since others compute, too.
const LIMIT: Duration = Duration::from_mins(1);

/// How it ends if the picture is broken, or too large. It ends with 0 when the WebP, if there is to be one, is written.
const BROKEN: u8 = 10;
const TOO_MANY_PIXELS: u8 = 11;

/// How a Rust program ends that panicked: it has met a broken picture.
const PANICKED: i32 = 101;

/// The program that decodes pictures when it is called with [`COMMAND`].
#[derive(Clone, Copy, Debug)]
pub struct PictureWorker(fn() -> io::Result<PathBuf>);

impl PictureWorker {
    /// This very program, whose `main` calls [`decode`] before it does anything else.
    pub fn own() -> Self {
        Self(this_program)
    }

    /// Another program that does.
    pub fn at(program: fn() -> io::Result<PathBuf>) -> Self {
        Self(program)
    }

    /// Has a picture decoded; it comes back as WebP, unless it is one, moves, or is too large for that.
    pub async fn webp(&self, file: &File, claimed: Format) -> Result<Option<File>, Unfit> {
        let input = file.try_clone()?;
        let (webp, output) = in_background(|| {
            let webp = tempfile::tempfile()?;
            webp.try_clone().map(|output| (webp, output))
        })
        .await??;
        let process = Process::start((self.0)()?, [COMMAND, claimed.extension()], input, output)?;
        let Some(status) = process.ended(LIMIT).await? else { return Err(Unfit::TooCostly) };
        match status.code() {
            Some(0) => {}
            Some(code) if code == i32::from(BROKEN) || code == PANICKED => return Err(Unfit::Broken(claimed)),
            Some(code) if code == i32::from(TOO_MANY_PIXELS) => return Err(Unfit::TooManyPixels),
            // A limit has ended it.
            None => return Err(Unfit::TooCostly),
            Some(_) => return Err(io::Error::other(format!("what decodes pictures ended with {status}")).into()),
        }
        let (webp, length) = in_background(move || webp.metadata().map(|found| (webp, found.len()))).await??;
        Ok((length > 0).then_some(webp))
    }
}

/// Decodes a picture on standard input and writes its WebP on standard output, if the program was called for that; none if
/// it was not.
pub fn decode() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != COMMAND {
        return None;
    }
    let format = arguments.next().and_then(|extension| Format::of_extension(extension.to_str()?));
    let is_limited = arguments.next().is_some_and(|argument| argument == LIMITED);
    let done = format
        .ok_or_else(|| io::Error::other("no format"))
        .and_then(|format| if is_limited { decode_within_limits(format) } else { Err(limit_and_begin_again(format)) });
    Some(done.unwrap_or(ExitCode::FAILURE))
}

/// Sets the limits and becomes this program anew: what an allocator has reserved before would not count. Comes back only if
/// that fails.
fn limit_and_begin_again(format: Format) -> io::Error {
    let limits = [
        (Resource::RLIMIT_DATA, MEMORY_BYTES),
        (Resource::RLIMIT_AS, ADDRESS_BYTES),
        (Resource::RLIMIT_CPU, CPU_SECONDS),
        (Resource::RLIMIT_FSIZE, LIMIT_BYTES),
        (Resource::RLIMIT_CORE, 0),
    ];
    for (resource, most) in limits {
        if let Err(error) = setrlimit(resource, most, most) {
            return error.into();
        }
    }
    match this_program() {
        // The allocator would take a third of the memory in advance.
        Ok(program) => Command::new(program)
            .args([COMMAND, format.extension(), LIMITED])
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .exec(),
        Err(error) => error,
    }
}

/// Where the system says that this program is, so that it is also found after it was replaced on the disk.
fn this_program() -> io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

fn decode_within_limits(format: Format) -> io::Result<ExitCode> {
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = io::stdout().lock();
    input.rewind()?;
    match picture::webp(&mut input, format) {
        Ok(webp) => {
            output.write_all(webp.as_deref().unwrap_or_default())?;
            output.flush()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(Unfit::TooManyPixels) => Ok(TOO_MANY_PIXELS.into()),
        Err(Unfit::Io(error)) => Err(error),
        Err(_) => Ok(BROKEN.into()),
    }
}
