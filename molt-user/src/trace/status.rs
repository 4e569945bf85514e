//! Statuses of a run that failed: those of `env`, `timeout` and container runtimes.

/// molt itself failed.
pub const MOLT_FAILED: u8 = 125;
/// The command cannot be run.
pub const CANNOT_RUN: u8 = 126;
/// The command is not found.
pub const NOT_FOUND: u8 = 127;
