//! The rules of hub, tested.
