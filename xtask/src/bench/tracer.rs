//! molt as it is shipped, and the interpreter that it traces.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use super::pairs::Kind;
use crate::{command, project, pythons};

/// The release build, and what it traces.
pub(crate) struct Tracer {
    pub molt: PathBuf,
    pub python: PathBuf,
}

impl Tracer {
    pub(crate) fn build(python: Option<PathBuf>) -> Result<Self> {
        let mut cargo = Command::new("cargo");
        command::run(
            cargo.args(["build", "--locked", "--release", "--bin", "molt"]).current_dir(project::root()),
        )?;
        let python = python.map_or_else(pythons::to_compare, Ok)?;
        Ok(Self { molt: project::target()?.join("release/molt"), python })
    }

    /// A command that runs `python` with `arguments`, sampled or not.
    pub(crate) fn command(&self, kind: Kind, frequency: u32, python: &Path, arguments: &[&str]) -> Command {
        let mut command = match kind {
            Kind::Bare => quiet(python),
            Kind::Traced => self.trace(&["--mode", "sample", "-F", &frequency.to_string()], python),
        };
        command.args(arguments);
        command
    }

    /// A command that traces `python` with `options`; its arguments are to be added.
    pub(crate) fn trace(&self, options: &[&str], python: &Path) -> Command {
        let mut molt = quiet(&self.molt);
        molt.args(["trace", "--quiet", "--output"]).arg(artifact()).args(options).arg("--").arg(python);
        molt
    }
}

/// A command that runs `program` in the folder of the benchmarks, saying nothing.
pub(crate) fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(project::cache().join("bench")).stdout(Stdio::null());
    // Otherwise molt would run the program as the user who called sudo, and bare runs would not.
    command.env_remove("SUDO_UID").env_remove("SUDO_GID");
    command
}

/// The frequency that molt samples at unless told otherwise.
pub(crate) const DEFAULT_FREQUENCY: u32 = 99;

/// Where traced runs write.
pub(crate) fn artifact() -> PathBuf {
    project::cache().join("bench/molt_profile.json")
}
