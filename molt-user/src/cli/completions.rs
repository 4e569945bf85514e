//! Shell completions and the man page, from the command line's own definition.

use super::{Arguments, exit, message};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::process::ExitCode;

/// Prints completions for a shell to standard output.
#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell to complete for
    shell: Shell,
}

pub(super) fn run(arguments: &CompletionsArguments) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "molt", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints the man page to standard output.
pub(super) fn man() -> ExitCode {
    let mut page = Vec::new();
    match clap_mangen::Man::new(Arguments::command()).render(&mut page) {
        Ok(()) => print(&String::from_utf8_lossy(&page)),
        Err(failure) => failed(failure.into()),
    }
}

fn print(text: &str) -> ExitCode {
    match exit::print(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(failure.into()),
    }
}

fn failed(failure: anyhow::Error) -> ExitCode {
    message::say_failure(&failure.context("failed to write to standard output"), &[]);
    exit::code(exit::MOLT_FAILED)
}
