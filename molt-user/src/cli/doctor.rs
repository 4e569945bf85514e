//! `molt doctor`: what this machine can give.

use super::exit;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Says what this kernel, these privileges and an interpreter can give, and why not more.
#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// Look at the interpreter of this running process
    #[arg(long, value_name = "PID", conflicts_with = "python",
          value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pid: Option<u32>,

    /// Look at this interpreter
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
}

pub(super) fn run(_arguments: &DoctorArguments) -> ExitCode {
    exit::code(exit::COULD_NOT_LOOK)
}
