//! The `rollbook` binary: reads flags and environment, opens the database, runs one subcommand; it holds no rule of the
//! domain.

mod bootstrap;
mod catch_up;
mod cli;
mod clock;
mod commands;
mod database;
mod delivering;
mod demo;
mod export;
mod failure;
mod files;
mod logs;
mod output;
mod progress;
mod service;
mod signals;
mod sites;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// Under many requests a tenth of the time goes into small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Decodes a picture, and nothing else, where the service has called itself for that. Exit status 0: done; 1: refused or failed, with the reason on stderr; 2: wrong usage, which clap says.
fn main() -> ExitCode {
    if let Some(decoded) = rollbook_files::decode_picture() {
        return decoded;
    }
    let cli = Cli::parse();
    logs::start();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(failure::Failure::from)
        .and_then(|runtime| runtime.block_on(commands::run(cli)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_reader_gone() => ExitCode::SUCCESS,
        Err(failure) => {
            output::say(&format!("rollbook: {failure}"));
            ExitCode::FAILURE
        }
    }
}
