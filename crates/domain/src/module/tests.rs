//! The rules of module, tested.
