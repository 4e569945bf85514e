//! The live suite: loads the eBPF programs, traces real programs on every interpreter at hand, and compares.
//!
//! Needs root and the interpreters that `cargo xtask pythons` lists; `cargo xtask live` runs it. With
//! `MOLT_LIVE=require` whatever is missing is a failure, otherwise it is said and left out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics, and is reported")]
#![expect(clippy::print_stderr, reason = "says what is left out")]

mod suite;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::support::{pythons, required};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Two tracers at once disturb each other's measurements, and the machine may have a single core.
    arguments.test_threads = Some(1);

    let pythons: Vec<_> = pythons::list().into_iter().filter(|python| python.supported).collect();
    let mut missing = pythons::missing(&pythons);
    let may_trace = nix::unistd::geteuid().is_root();
    if !may_trace {
        missing.push("root (run it through sudo)".to_owned());
    }
    let mut trials = if may_trace { suite::trials(&pythons) } else { Vec::new() };
    if !missing.is_empty() {
        let missing = missing.join(", ");
        if required::is_required() {
            trials.push(Trial::test("everything_required_is_there", move || {
                Err(format!("missing: {missing}").into())
            }));
        } else {
            eprintln!("left out for want of: {missing}");
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
