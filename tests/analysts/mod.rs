//! What analysts and operators ask: the past, why a row is as it is, the log as it grows, whole histories.

mod as_of;
mod audit;
mod explain;
pub mod subscriptions;
