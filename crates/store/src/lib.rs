//! The event log on PostgreSQL: append, load, read forward, idempotency, claims, and the executor that decides commands.
//!
//! Nothing here knows a read model, and nothing outside this crate writes `events`, `claims` or `commands`.

pub mod accounts;
pub mod apart;
pub mod append;
pub mod calendar_links;
pub mod clock;
pub mod connect;
pub mod dedicated_connection;
pub mod entries;
pub mod error;
pub mod execute;
pub mod isolation;
pub mod keys;
pub mod listen;
pub mod load;
pub mod log;
pub mod migrate;
pub mod receipt;
mod recent;
pub mod recorded;
pub mod scan;
pub mod scope;
pub mod site_databases;
mod state_cache;
pub mod tokens;
pub mod transaction;
pub mod transfer;
mod tuple;
pub mod uploads;

pub use clock::Clock;
pub use entries::{Entry, LogView, StreamName, Unreadable};
pub use error::StoreError;
pub use execute::{CommandKey, ExecuteError, Executor, Issuer, Pace, Request};
pub use log::{EventStore, Stretch};
pub use receipt::{Receipt, ReceiptEvent, ReceiptStream};
pub use recorded::Recorded;
pub use scan::{Partition, Scan, ScanError, Share};

/// A place in the log: 1 is the first event; 0 is before it. Gapless, and in the order of commits.
pub type Position = i64;
