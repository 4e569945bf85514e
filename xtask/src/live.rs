//! `cargo xtask live`: the tests that load eBPF, built as the user and run as root.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{command, privilege, project};

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Arguments of the suite: a part of a test's name, or `--list`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Set to `require`, this makes a missing interpreter or privilege a failure, not something left out.
pub(crate) fn is_required() -> bool {
    std::env::var("MOLT_LIVE").is_ok_and(|value| value == "require")
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let suite = build()?;
    if !privilege::is_root() {
        println!("Loading eBPF needs root: the suite runs through sudo, which may ask for your password.");
    }
    let mut tests = privilege::as_root(suite, &["MOLT_LIVE", "PATH"]);
    tests.args(&args.arguments).current_dir(project::root().join("molt-user"));
    command::run(&mut tests)
}

/// Builds the suite, and the command that it runs; the path of the suite's executable.
fn build() -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--package", "molt-user", "--test", "live", "--no-run"]);
    let messages =
        command::output(cargo.arg("--message-format=json-render-diagnostics").current_dir(project::root()))?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some("live"))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .context("cargo named no executable of the live suite")
}
