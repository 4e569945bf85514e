//! `cargo xtask live`: the tests that load eBPF, built as the user and run as root.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{command, packages, privilege, project};

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Trace with a release build of molt: slow to build, and as fast as what users have.
    #[arg(long)]
    release: bool,
    /// Arguments of the suite: a part of a test's name, or `--list`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Set to `require`, this makes a missing interpreter or privilege a failure, not something left out.
pub(crate) fn is_required() -> bool {
    std::env::var("MOLT_LIVE").is_ok_and(|value| value == "require")
}

/// The suites: package and name. The first loads the object through libbpf, the other through molt.
pub(crate) const SUITES: [(&str, &str); 2] = [("molt-libbpf", "loads"), ("molt-user", "live")];

impl Args {
    /// The tests whose names contain this, with a release build.
    pub(crate) fn released(filter: &str) -> Self {
        Self { release: true, arguments: vec![filter.to_owned()] }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    run_with(args, &[])
}

/// The same with further variables for the tests.
pub(crate) fn run_with(args: &Args, variables: &[(&str, String)]) -> Result<()> {
    packages::ensure(&packages::LIBBPF)?;
    if is_required() {
        packages::ensure(&packages::OTHER_TOOLS)?;
    }
    let mut executables = Vec::new();
    for (package, name) in SUITES {
        executables.push(build(package, name, args.release)?);
    }
    if !privilege::is_root() {
        println!("Loading eBPF needs root: the tests run through sudo, which may ask for your password.");
    }
    let names: Vec<&str> =
        ["MOLT_LIVE", "PATH"].into_iter().chain(variables.iter().map(|(name, _)| *name)).collect();
    for executable in executables {
        let mut tests = privilege::as_root(&executable, &names);
        tests.envs(variables.iter().map(|(name, value)| (name, value)));
        // The kernel's state is shared, and so is the machine's time.
        tests.arg("--test-threads=1").args(&args.arguments).current_dir(project::root().join("molt-user"));
        command::run(&mut tests)?;
    }
    Ok(())
}

/// Builds a suite, and the command that it runs; the path of the suite's executable.
fn build(package: &str, name: &str, release: bool) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--package", package, "--test", name, "--no-run"]);
    cargo.args(release.then_some("--release"));
    let messages =
        command::output(cargo.arg("--message-format=json-render-diagnostics").current_dir(project::root()))?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(name))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .with_context(|| format!("cargo named no executable of {package}'s {name}"))
}
