//! molt's modes and the tools that it is compared with, and how each runs a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::tracer::{Tracer, quiet};
use crate::{command, project};

/// What a program runs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Tool {
    #[value(skip)]
    Bare,
    Sample,
    Auto,
    Exact,
    #[value(name = "py-spy")]
    PySpy,
    CProfile,
    MonkeyType,
    RightTyper,
}

/// All but [`Tool::Bare`], in the order of the table.
pub(crate) const TOOLS: [Tool; 7] =
    [Tool::Sample, Tool::Auto, Tool::Exact, Tool::PySpy, Tool::CProfile, Tool::MonkeyType, Tool::RightTyper];

/// The Python packages of the tools that are fetched. RightTyper uses `sys.monitoring`, which is new in 3.12.
pub(crate) const PACKAGES: [&str; 3] = ["py-spy", "MonkeyType", "righttyper; python_version >= '3.12'"];

impl Tool {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "nothing",
            Self::Sample => "molt, sample",
            Self::Auto => "molt, auto",
            Self::Exact => "molt, exact",
            Self::PySpy => "py-spy record",
            Self::CProfile => "cProfile",
            Self::MonkeyType => "MonkeyType",
            Self::RightTyper => "RightTyper",
        }
    }

    /// Whether it does something at every call: a few measurements are precise enough for what that costs.
    pub(crate) fn is_heavy(self) -> bool {
        matches!(self, Self::Exact | Self::CProfile | Self::MonkeyType)
    }

    /// Whether the environment of `python` has it.
    pub(crate) fn is_there(self, python: &Path) -> bool {
        self != Self::RightTyper || command::succeeds(Command::new(python).args(["-c", "import righttyper"]))
    }

    /// A command that runs the script and arguments `program`, with the tool's own defaults. `python` is that of the
    /// environment which has the tools.
    pub(crate) fn command(self, tracer: &Tracer, python: &Path, program: &[&str]) -> Result<Command> {
        let mut command = match self {
            Self::Bare => quiet(python),
            Self::Sample => tracer.trace(&["--mode", "sample"], python),
            Self::Auto => tracer.trace(&["--mode", "auto"], python),
            Self::Exact => tracer.trace(&["--mode", "exact"], python),
            Self::PySpy => {
                let mut record = quiet(&python.with_file_name("py-spy"));
                record.args(["record", "--output"]).arg(written("svg")?).arg("--").arg(python);
                record
            }
            Self::CProfile => {
                let mut profile = quiet(python);
                profile.args(["-m", "cProfile", "-o"]).arg(written("pstats")?);
                profile
            }
            Self::MonkeyType => {
                let mut monkeytype = quiet(python);
                monkeytype.args(["-m", "monkeytype", "run"]).env("MT_DB_PATH", written("sqlite3")?);
                monkeytype
            }
            Self::RightTyper => {
                let mut righttyper = quiet(python);
                righttyper.args(["-m", "righttyper"]);
                righttyper
            }
        };
        command.args(program);
        Ok(command)
    }
}

/// A file for a tool to write, which is not there.
fn written(extension: &str) -> Result<PathBuf> {
    let path = project::cache().join("bench/tool").with_extension(extension);
    if path.exists() {
        fs::remove_file(&path)?;
    }
    Ok(path)
}
