//! Every chore of the project that has logic in it: `cargo xtask --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "talks to the person who runs it")]

mod bench;
mod command;
mod deploy;
mod digest;
mod dist;
mod ebpf;
mod failure;
mod fuzz;
mod layout;
mod live;
mod marks;
mod packages;
mod privilege;
mod project;
mod pythons;
mod real;
mod soak;
mod test;
mod tidy;
mod tour;
mod venv;

use std::process::ExitCode;

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
    /// Build molt, trace a small program of the repository, and show what came out.
    Try,
    /// Fetch the interpreters, then run everything that must hold before a change is done.
    Test(test::Args),
    /// List the interpreters that molt is tested on, and fetch those that the machine lacks.
    Pythons(pythons::Args),
    /// Run the tests that load eBPF, as root.
    Live(live::Args),
    /// Run every parser of foreign bytes over random input.
    Fuzz(fuzz::Args),
    /// Check the rules of the house that neither rustfmt nor clippy checks.
    Tidy,
    /// Measure what molt costs, and write docs/performance.md.
    Bench(bench::Args),
    /// Run the tests that nothing is harmed for long, and write their figures to docs/reliability.md.
    Soak(soak::Args),
    /// Run molt on programs from the package index, check what comes out, and write it to docs/real.md.
    Real(real::Args),
    /// Build the archive of a release, with a static binary.
    Dist,
    /// Build the eBPF object in molt-ebpf/prebuilt, or check that it is what its source makes.
    Ebpf(ebpf::Args),
    /// Generate the tables of CPython's layouts and opcodes from xtask/data, or check them.
    Layout {
        /// Arguments of the generator
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Try => tour::run(),
        Chore::Test(args) => test::run(&args),
        Chore::Pythons(args) => pythons::run(&args),
        Chore::Live(args) => live::run(&args),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Tidy => tidy::run(),
        Chore::Bench(args) => bench::run(&args),
        Chore::Soak(args) => soak::run(&args),
        Chore::Real(args) => real::run(&args),
        Chore::Dist => dist::run(),
        Chore::Ebpf(args) => ebpf::run(&args),
        Chore::Layout { rest } => layout::run(&rest),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {}", failure::text(&reason));
            ExitCode::FAILURE
        }
    }
}
