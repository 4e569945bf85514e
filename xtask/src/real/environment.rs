//! What the programs run in: an environment for each interpreter, with the packages of xtask/data/real-packages.txt.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::programs::{Program, SOURCES, Stage};
use crate::pythons::Python;
use crate::{command, digest, project, venv};

/// The package whose wheel pip installs.
const WHEEL: &str = "Werkzeug";
/// What black is made of, where it is all Python.
const PURE: [&str; 2] = ["black", "pytokens"];

pub(super) struct Environment {
    /// The name of the interpreter that it was made of.
    pub name: String,
    pub python: PathBuf,
}

impl Environment {
    /// Makes what `programs` need.
    pub(super) fn install(base: &Python, programs: &[&Program]) -> Result<Self> {
        let mut packages: Vec<&str> = programs.iter().flat_map(|program| program.packages).copied().collect();
        packages.sort_unstable();
        packages.dedup();
        let python = with_packages(&base.path, &format!("{}-{}", base.name, packages.len()), &packages)?;
        fs::create_dir_all(scratch())?;
        for program in programs {
            fetch(&python, program.stage)?;
        }
        Ok(Self { name: base.name.clone(), python })
    }
}

/// The interpreter of an environment of this name that has `packages`, in the versions that are pinned. Other versions
/// make another one.
pub(super) fn with_packages(python: &Path, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let pins = pins();
    let text = fs::read(&pins).with_context(|| format!("failed to read {}", pins.display()))?;
    let folder = folder().join(format!("{name}-{:.8}", digest::sha256(&text)));
    venv::install(python, &folder, &[&["--constraint", &pins.to_string_lossy()], packages].concat())
}

/// Everything of this chore that is kept.
fn folder() -> PathBuf {
    project::cache().join("real")
}

/// Where runs write.
pub(super) fn scratch() -> PathBuf {
    folder().join("scratch")
}

/// The packages that are all Python.
pub(super) fn pure() -> PathBuf {
    folder().join("pure")
}

/// The wheel that pip installs.
pub(super) fn wheel() -> Result<PathBuf> {
    let folder = folder().join("wheels");
    let wheel = fs::read_dir(&folder).ok().and_then(|mut entries| entries.next());
    Ok(wheel.with_context(|| format!("{} holds no wheel", folder.display()))??.path())
}

/// Copies the sources that are to be formatted.
pub(super) fn copy_sources(to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for name in SOURCES {
        let name = format!("{name}.py");
        fs::copy(pure().join("black").join(&name), to.join(&name))
            .with_context(|| format!("failed to copy {name}"))?;
    }
    Ok(())
}

/// Fetches what a stage needs and environments do not hold.
fn fetch(python: &Path, stage: Stage) -> Result<()> {
    const ANY: [&str; 8] =
        ["--no-deps", "--only-binary=:all:", "--platform", "any", "--implementation", "py", "--abi", "none"];
    match stage {
        Stage::Wheel if wheel().is_err() => {
            let mut pip = venv::pip(python);
            pip.arg("download").args(ANY).arg("--dest").arg(folder().join("wheels")).arg(pinned(WHEEL)?);
            command::run(&mut pip)
        }
        Stage::Sources { .. } if !pure().exists() => {
            let mut pip = venv::pip(python);
            pip.args(["install", "--no-compile"]).args(ANY).arg("--target").arg(pure());
            command::run(pip.args(PURE.iter().map(|name| pinned(name)).collect::<Result<Vec<_>>>()?))
        }
        _ => Ok(()),
    }
}

fn pins() -> PathBuf {
    project::root().join("xtask/data/real-packages.txt")
}

/// The package with its version, as pip wants it.
fn pinned(name: &str) -> Result<String> {
    let list = fs::read_to_string(pins()).with_context(|| format!("failed to read {}", pins().display()))?;
    let line = list.lines().find(|line| line.split("==").next() == Some(name));
    line.map(str::to_owned).with_context(|| format!("{} has no {name}", pins().display()))
}
