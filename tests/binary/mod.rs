//! The `rollbook` binary as a user runs it: as a process of its own, in a data directory of its own, with a private
//! PostgreSQL.

mod analysts;
mod crashes;
mod demo;
mod invitation;
#[cfg(target_os = "linux")]
mod memory;
pub mod program;
mod serve;
mod usage;
mod users;
