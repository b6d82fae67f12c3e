//! The rules of cohort, tested.
