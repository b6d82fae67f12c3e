//! rollbook
fn main() {}
