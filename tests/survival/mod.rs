//! What must survive: kills of the service and of PostgreSQL under load, kills of a rebuild, no notifications,
//! tampering, malice. The long form of it is `cargo run --release -p rollbook-torture -- run`.

mod checker;
mod given_up;
mod hostile;
mod notifications;
mod postgres;
mod rebuild;
pub mod scene;
mod service;
