//! The whole service against a real PostgreSQL: the log, the read models, the HTTP contract, the binary.

mod flows;
mod harness;
mod log;
mod read_models;
mod school;
mod structure;
