//! The command's own behaviour: what needs no privileges and no Python.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and is reported")]

mod command;
