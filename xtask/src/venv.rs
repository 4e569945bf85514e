//! Environments of Python's for what others wrote.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{command, packages, pythons};

/// Makes an environment with pip in it. Debian's interpreters cannot do so without another package, which those of
/// other suites than the system's do not have: there another interpreter's pip puts it in.
pub(crate) fn make(python: &Path, venv: &Path) -> Result<()> {
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
