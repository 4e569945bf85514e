//! `cargo xtask try`: molt on a small program of the repository.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{command, packages, privilege, project, pythons};

pub(crate) fn run() -> Result<()> {
    packages::ensure(&[&packages::C_COMPILER, &packages::PYTHON])?;
    let root = project::root();
    command::run(
        Command::new("cargo").args(["build", "--locked", "--release", "--bin", "molt"]).current_dir(&root),
    )?;
    let molt = project::target()?.join("release/molt");
    let python = pythons::to_try()?;
    let folder = project::cache().join("try");
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let profile = folder.join("molt_profile.json");

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
