//! The command line: what is typed, what is printed, what the status is.
//!
//! The only stage that prints or exits.

mod awaited;
mod completions;
mod doctor;
pub mod exit;
mod held;
mod message;
mod summary;
mod trace;
mod units;
mod validate;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Watches unmodified CPython programs from outside and writes down what they really do.
#[derive(Debug, Parser)]
#[command(name = "molt", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Arguments {
    /// Say more about what happens: -v for steps, -vv for details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(visible_alias = "profile")]
    Trace(Box<trace::TraceArguments>),
    Validate(validate::ValidateArguments),
    Doctor(doctor::DoctorArguments),
    #[command(hide = true)]
    Completions(completions::CompletionsArguments),
    #[command(hide = true)]
    Man(completions::ManArguments),
}

/// What `--help` shows after the commands.
const AFTER_HELP: &str = "\
Examples:
  sudo molt trace -- python3 app.py       trace a program from its start
  sudo molt trace --pid 1234 --duration 10s
                                          trace a running program for a while
  molt validate molt_profile.json         check an artifact
  molt doctor                             what this machine can give

Exit status of trace: the program's own, 128+N if signal N ended it; 125 if molt
failed, 126 if the command cannot be run, 127 if it is not found, 2 for wrong
usage. Of validate: 0 clean, 1 faults found, 2 could not look. Of doctor: 0 all
can be filled, 1 some, 2 nothing.";

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    message::start_log(arguments.verbose);
    match arguments.command {
        Command::Trace(trace) => trace::run(*trace),
        Command::Validate(validate) => validate::run(&validate),
        Command::Doctor(doctor) => doctor::run(&doctor),
        Command::Completions(completions) => completions::run(&completions),
        Command::Man(man) => completions::man(&man),
    }
}
