//! An environment of the project's own for what others wrote: benchmark programs, and tools to compare molt with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::tools::PACKAGES;
use crate::{command, packages, project, pythons};

/// The environment's interpreter.
pub(crate) fn install(python: &Path) -> Result<PathBuf> {
    let venv = project::cache().join("bench/venv");
    let made_of = venv.join("made-of");
    let inside = venv.join("bin/python");
    let stamp = format!("{}\npyperformance\n{}\n", python.display(), PACKAGES.join("\n"));
    if fs::read_to_string(&made_of).is_ok_and(|found| found == stamp) {
        return Ok(inside);
    }
    if venv.exists() {
        fs::remove_dir_all(&venv).with_context(|| format!("failed to remove {}", venv.display()))?;
    }
    println!("installing benchmark programs and other tools into {}", venv.display());
    make(python, &venv)?;
    let mut pip = Command::new(&inside);
    command::run(pip.args(["-m", "pip", "--quiet", "install", "pyperformance"]).args(PACKAGES))?;
    fs::write(&made_of, stamp).with_context(|| format!("failed to write {}", made_of.display()))?;
    Ok(inside)
}

/// Makes an environment with pip in it. Debian's interpreters cannot do so without another package, which those of
/// other suites than the system's do not have: there another interpreter's pip puts it in.
fn make(python: &Path, venv: &Path) -> Result<()> {
    let mut command = Command::new(python);
    command.args(["-m", "venv"]);
    if command::succeeds(Command::new(python).args(["-c", "import ensurepip"])) {
        return command::run(command.arg(venv));
    }
    command::run(command.arg("--without-pip").arg(venv))?;
    let helper = pythons::to_try()?;
    if !command::succeeds(Command::new(&helper).args(["-m", "pip", "--version"])) {
        packages::ensure(&[&packages::PYTHON_PIP])?;
    }
    let mut ask = Command::new(venv.join("bin/python"));
    let ask = ask.args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]);
    let target = command::output(ask)?;
    let mut pip = Command::new(helper);
    command::run(pip.args(["-m", "pip", "--quiet", "install", "pip", "--target", target.trim_end()]))
}
