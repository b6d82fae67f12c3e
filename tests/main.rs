//! The whole service against a real PostgreSQL: the log, the read models, the HTTP contract, the binary.

mod harness;
mod log;
mod structure;
