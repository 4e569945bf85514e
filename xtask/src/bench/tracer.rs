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
        let python = python.map_or_else(pythons::to_try, Ok)?;
        Ok(Self { molt: project::target()?.join("release/molt"), python })
    }

    /// A command that runs `python` with `arguments`, traced or not, in the folder of the benchmarks, saying
    /// nothing.
    pub(crate) fn command(&self, kind: Kind, frequency: u32, python: &Path, arguments: &[&str]) -> Command {
        let mut command = match kind {
            Kind::Bare => Command::new(python),
            Kind::Traced => {
                let mut molt = Command::new(&self.molt);
                molt.args(["trace", "--quiet", "--mode", "sample", "-F", &frequency.to_string(), "--output"]);
                molt.arg(artifact()).arg("--").arg(python);
                molt
            }
        };
        command.args(arguments).current_dir(project::cache().join("bench")).stdout(Stdio::null());
        // Otherwise molt would run the program as the user who called sudo, and bare runs would not.
        command.env_remove("SUDO_UID").env_remove("SUDO_GID");
        command
    }
}

/// The frequency that molt samples at unless told otherwise.
pub(crate) const DEFAULT_FREQUENCY: u32 = 99;

/// Where traced runs write.
pub(crate) fn artifact() -> PathBuf {
    project::cache().join("bench/molt_profile.json")
}
