//! The command's own behaviour: what it needs no privileges, no kernel and no Python for.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics, and is reported")]
