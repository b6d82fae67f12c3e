//! What is done to the service, a way in each module. None goes on beyond the end of its attack, its number, or its
//! bytes.

pub mod databases;
pub mod exports;
pub mod goes_away;
pub mod half_open;
pub mod health;
pub mod imports;
pub mod passwords;
pub mod pipelined;
mod png;
pub mod reads;
pub mod rosters;
pub mod slow_bodies;
pub mod slow_headers;
pub mod slow_readers;
pub mod subscriptions;
pub mod uploads;
pub mod writes;
