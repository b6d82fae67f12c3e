//! The rules of enrolment, tested.
