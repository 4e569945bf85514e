//! Exit statuses, and how standard output ends.

use std::process::ExitCode;

/// molt itself failed.
pub const MOLT_FAILED: u8 = 125;
/// The command cannot be run.
pub const CANNOT_RUN: u8 = 126;
/// The command is not found.
pub const NOT_FOUND: u8 = 127;
/// `validate` and `doctor`: something was found.
pub const FOUND: u8 = 1;
/// `validate` and `doctor`: could not look.
pub const COULD_NOT_LOOK: u8 = 2;

/// As an [`ExitCode`].
pub fn code(status: u8) -> ExitCode {
    ExitCode::from(status)
}

/// Writes `text` to standard output. A reader that has gone away is no failure: it has what it wanted.
pub fn print(text: &str) -> std::io::Result<()> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(gone) if gone.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
