//! Tests of the command line, by what they are about.
mod deploy;
mod doctor;
mod help;
mod usage;
mod validate;

use std::process::{Command, Output, Stdio};

/// The command under test, without the settings of whoever runs the tests.
fn molt(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_molt"));
    command.args(arguments).stdin(Stdio::null()).env_remove("MOLT_LOG").env_remove("COLUMNS");
    command
}

/// How molt ended; a panic is never right.
#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{command:?}: {said}");
    output
}

/// A text that molt wrote.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
