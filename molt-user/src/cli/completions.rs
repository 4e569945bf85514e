//! Shell completions and the man pages, from the command line's own definition.

use super::{Arguments, exit, message};
use clap::{Args, CommandFactory, error::ErrorKind};
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

/// Prints a man page to standard output.
#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The command to describe, which is molt itself if none is named
    command: Option<String>,
}

pub(super) fn man(arguments: &ManArguments) -> ExitCode {
    let mut molt = Arguments::command().disable_help_subcommand(true);
    // Gives each command the name that its page has, and the flags that all of them take.
    molt.build();
    let described = match &arguments.command {
        None => molt,
        Some(name) => match molt.find_subcommand(name) {
            Some(command) => command.clone(),
            None => molt.error(ErrorKind::InvalidSubcommand, format!("molt has no command '{name}'")).exit(),
        },
    };
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(described).source(concat!("molt ", env!("CARGO_PKG_VERSION")));
    match man.render(&mut page) {
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
