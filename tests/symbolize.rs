//! What molt reads of running interpreters, against what they say of themselves. Needs no privileges: a
//! process may read its own children.

#[path = "symbolize/support/mod.rs"]
mod support;

#[path = "suite/symbolize/mod.rs"]
mod suite;
