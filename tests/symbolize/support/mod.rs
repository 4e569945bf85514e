//! Interpreters on this machine, children of theirs, and where their runtime lies.

pub(crate) mod interpreters;
pub(crate) mod runtime;
pub(crate) mod target;

/// Bytes as Python's `hexdigest` writes them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
