//! `molt validate`: checks artifacts.

use super::{exit, message};
use clap::Args;
use molt_mpa::validate::validate_file;
use std::path::PathBuf;
use std::process::ExitCode;

/// Checks artifacts: their schema, and what a schema cannot say. Names the JSON path of each fault.
#[derive(Debug, Args)]
pub(super) struct ValidateArguments {
    /// The artifacts to check
    #[arg(required = true, value_name = "PATH")]
    artifacts: Vec<PathBuf>,
}

pub(super) fn run(arguments: &ValidateArguments) -> ExitCode {
    let mut status = 0;
    for path in &arguments.artifacts {
        status = status.max(check(path));
    }
    exit::code(status)
}

/// Checks one file. Its status.
fn check(path: &std::path::Path) -> u8 {
    let shown = path.display();
    let report = match validate_file(path) {
        Ok(report) => report,
        Err(failure) => {
            let failure = anyhow::Error::from(failure).context(format!("failed to check {shown}"));
            message::say_failure(&failure, &[]);
            return exit::COULD_NOT_LOOK;
        }
    };
    let mut text = String::new();
    for fault in &report.faults {
        text.push_str(&message::escaped(&format!("{shown}: {}: {}", fault.place, fault.problem)));
        text.push('\n');
    }
    if report.is_clean() {
        text = message::escaped(&format!("{shown}: clean")) + "\n";
    }
    match exit::print(&text) {
        Ok(()) if report.is_clean() => 0,
        Ok(()) => exit::FOUND,
        Err(failure) => {
            let failure = anyhow::Error::from(failure).context("failed to write to standard output");
            message::say_failure(&failure, &[]);
            exit::COULD_NOT_LOOK
        }
    }
}
