//! Every chore of the project that has logic in it.
fn main() {}
