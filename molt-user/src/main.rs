//! Parse, run, exit status; no logic.
fn main() {}
