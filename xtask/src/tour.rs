//! `cargo xtask try`: molt on a small program of the repository.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{command, packages, privilege, project, pythons};

pub(crate) fn run() -> Result<()> {
    packages::ensure(&[&packages::C_COMPILER, &packages::PYTHON])?;
    let root = project::root();
    command::run(
        Command::new("cargo").args(["build", "--locked", "--release", "--bin", "molt"]).current_dir(&root),
    )?;
    let molt = project::target()?.join("release/molt");
    let python = pythons::to_try()?;
    let profile = profile();
    let folder = profile.parent().unwrap_or(&profile);
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;

    let mut trace = if privilege::is_root() || privilege::sudo_is_silent() {
        privilege::as_root(&molt, &["PATH"])
    } else {
        println!("As root molt would see every call; without privileges it samples.");
        Command::new(&molt)
    };
    trace.arg("trace").arg("--output").arg(&profile).arg("--").arg(&python).arg("tests/programs/tour.py");
    trace.current_dir(&root);
    println!("$ {}", command::shown(&trace));
    command::run(&mut trace)?;
    command::run(Command::new(&molt).arg("validate").arg(&profile))?;
    println!("\nThe profile is {}", profile.display());
    Ok(())
}

/// Where the profile is written.
fn profile() -> PathBuf {
    project::cache().join("try/molt_profile.json")
}

/// Runs the chore as root and as an ordinary user, each of whom must be given a profile of their own kind. Needs root.
///
/// The ordinary user is one of a new user namespace, in which root's files are that user's: another user of the
/// machine could neither read root's Rust nor write into this folder. What they may do beyond that is the same, since
/// a namespace's privileges are none of the kernel's.
pub(crate) fn check() -> Result<()> {
    let root = Command::new("cargo");
    let mut user = Command::new("unshare");
    user.args(["--user", "--map-user=1000", "--map-group=1000", "cargo"]);
    for (mut cargo, backend) in [(root, "ebpf"), (user, "procmem")] {
        let path = profile();
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("failed to remove {}", path.display()))?;
        }
        command::run(cargo.args(["xtask", "try"]).current_dir(project::root()))?;
        let text = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        let profile: Value = serde_json::from_slice(&text)?;
        let found = profile.pointer("/collector/backend").and_then(Value::as_str);
        ensure!(found == Some(backend), "backend {found:?} and not {backend}: {}", command::shown(&cargo));
        command::run(Command::new(project::target()?.join("release/molt")).arg("validate").arg(&path))?;
    }
    Ok(())
}
