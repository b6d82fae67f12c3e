//! The rules of person, tested.
