//! Runs molt and reads what it wrote.
use std::path::Path;
use std::process::Command;

use molt_mpa::model::Artifact;

use super::process::{Ended, Running};
use super::program::Program;
use super::pythons::{Interpreter, at_home};

/// Samples per second: enough for every function of a program that runs for [`SECONDS`].
const RATE: &str = "999";
/// How long a program is held at its end: tests run beside each other, and molt waits for a processor.
const PATIENCE: &str = "5s";
/// How long each program runs.
const SECONDS: &str = "0.4";

/// The command under test, in the folder of the programs.
pub(crate) fn molt() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_molt"));
    at_home(&mut command);
    command
}

/// Options, among them that of sampling, then the target's own command line after `--`.
pub(crate) fn molt_trace(output: &Path, python: &Interpreter) -> Command {
    molt_trace_with(&["--mode", "sample", "-F", RATE], output, python)
}

fn molt_trace_with(options: &[&str], output: &Path, python: &Interpreter) -> Command {
    let mut command = molt();
    command
        .arg("trace")
        .args(["--hold", PATIENCE])
        .args(options)
        .arg("-o")
        .arg(output)
        .arg("--")
        .arg(&python.path);
    command
}

/// Traces a program for as long as the tests of truth need; it must end well.
pub(crate) fn trace(python: &Interpreter, program: &Program) -> (Artifact, Ended) {
    trace_for(python, program, SECONDS)
}

/// Traces a program that runs for `seconds`; it must end well.
pub(crate) fn trace_for(python: &Interpreter, program: &Program, seconds: &str) -> (Artifact, Ended) {
    trace_with(&["--mode", "sample", "-F", RATE], python, program, seconds)
}

/// Traces every call of a program of one round; it must end as it says that it does.
pub(crate) fn trace_exact(python: &Interpreter, program: &Program) -> (Artifact, Ended) {
    trace_with(&["--mode", "exact"], python, program, "0")
}

/// Traces every call of a program of one round as on a kernel that has no links to many uprobes.
pub(crate) fn trace_exact_one_by_one(python: &Interpreter, program: &Program) -> (Artifact, Ended) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut command = molt_trace_with(&["--mode", "exact"], &output, python);
    command.env("MOLT_UPROBES_ONE_BY_ONE", "1");
    run_program(command, python, program, "0", &output)
}

/// Traces every call of a program that runs for `seconds`, and takes samples as often as a test of them does.
pub(crate) fn trace_exact_often(python: &Interpreter, program: &Program, seconds: &str) -> (Artifact, Ended) {
    trace_with(&["--mode", "exact", "-F", RATE], python, program, seconds)
}

/// Traces a program as molt does when it is told nothing.
pub(crate) fn trace_default(python: &Interpreter, program: &Program) -> (Artifact, Ended) {
    trace_with(&[], python, program, "0")
}

/// Traces as molt does that has no privileges, for `seconds`: as root without capabilities, who may read root's
/// folders.
pub(crate) fn trace_unprivileged(
    options: &[&str],
    python: &Interpreter,
    program: &Program,
    seconds: &str,
) -> (Artifact, Ended) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let command = without_capabilities(&molt_trace_with(options, &output, python));
    run_program(command, python, program, seconds, &output)
}

/// The same command without any capability.
fn without_capabilities(command: &Command) -> Command {
    let mut bare = Command::new("setpriv");
    at_home(&mut bare);
    bare.args(["--inh-caps=-all", "--bounding-set=-all", "--"]);
    bare.arg(command.get_program()).args(command.get_args());
    bare
}

/// Traces a program with these options.
pub(crate) fn trace_with(
    options: &[&str],
    python: &Interpreter,
    program: &Program,
    seconds: &str,
) -> (Artifact, Ended) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    run_program(molt_trace_with(options, &output, python), python, program, seconds, &output)
}

/// Runs `program` for `seconds` under `command`, which writes to `output`.
fn run_program(
    mut command: Command,
    python: &Interpreter,
    program: &Program,
    seconds: &str,
    output: &Path,
) -> (Artifact, Ended) {
    command.args(program.arguments(python)).env("MOLT_TEST_SECONDS", seconds);
    program.give_input(&mut command);
    let ended = Running::start(&mut command).wait().with_code(program.status());
    (read(output), ended)
}

/// Reads an artifact that `molt validate` must find no fault with.
#[track_caller]
pub(crate) fn read(path: &Path) -> Artifact {
    let checked = super::process::run(molt().arg("validate").arg(path));
    assert!(
        checked.status.success(),
        "molt validate: {}\n{}{}",
        checked.status,
        checked.stdout,
        checked.stderr
    );
    molt_mpa::read::read_file(path).unwrap()
}
