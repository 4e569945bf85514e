//! Exit statuses, and how standard output ends.

pub use crate::trace::status::MOLT_FAILED;
use std::process::ExitCode;

/// `validate` found faults, `doctor` something lacking.
pub const FOUND: u8 = 1;
/// `validate` could not look, `doctor` found that nothing can be traced.
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
