//! Every chore of the project that has logic in it: `cargo xtask --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "talks to the person who runs it")]

mod command;
mod ebpf;
mod layout;
mod project;
mod pythons;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the eBPF object in molt-ebpf/prebuilt, or check that it is what its source makes.
    Ebpf(ebpf::Args),
    /// List the interpreters that molt is tested on, and fetch those that the machine lacks.
    Pythons(pythons::Args),
    /// Generate the tables of CPython's layouts and opcodes from xtask/data, or check them.
    Layout {
        /// Arguments of the generator
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
}

fn main() -> Result<()> {
    match Cli::parse().chore {
        Chore::Ebpf(args) => ebpf::run(&args),
        Chore::Pythons(args) => pythons::run(&args),
        Chore::Layout { rest } => layout::run(&rest),
    }
}
