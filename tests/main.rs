//! The whole service against a real PostgreSQL: the log, the read models, the HTTP contract, the binary.

mod accounts;
mod analysts;
mod binary;
mod contract;
mod cursors;
mod emails;
mod files;
mod flows;
mod harness;
mod histories;
mod imports;
mod isolation;
mod limits;
mod log;
mod metrics;
mod names;
mod pages;
mod processes;
mod read_models;
mod rights;
mod school;
mod sites;
mod structure;
mod survival;
mod syllabus;
mod week;
