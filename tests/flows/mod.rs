//! Stories over HTTP: what people in a cohort do, and what is refused.

mod absences;
mod advancing;
mod authority;
mod deadlines;
mod downloads;
mod idempotency;
mod marking;
mod races;
