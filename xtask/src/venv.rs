//! Environments of Python's for what others wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{command, packages, pythons};

/// The interpreter of an environment in `folder` into which pip has installed what `wanted` says. It is made once, and
/// anew when it was made of something else.
pub(crate) fn install(python: &Path, folder: &Path, wanted: &[&str]) -> Result<PathBuf> {
    let made_of = folder.join("made-of");
    let inside = folder.join("bin/python");
    let stamp = format!("{}\n{}\n", python.display(), wanted.join("\n"));
    if fs::read_to_string(&made_of).is_ok_and(|found| found == stamp) {
        return Ok(inside);
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    println!("installing packages into {}", folder.display());
    make(python, folder)?;
    command::run(pip(&inside).arg("install").args(wanted))?;
    fs::write(&made_of, stamp).with_context(|| format!("failed to write {}", made_of.display()))?;
    Ok(inside)
}

/// pip of an interpreter, which says little.
pub(crate) fn pip(python: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
    pip
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
    command::run(pip(&helper).args(["install", "pip", "--target", target.trim_end()]))
}
