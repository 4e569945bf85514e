//! An environment of the project's own for what others wrote: benchmark programs, and tools to compare molt with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::tools::PACKAGES;
use crate::{command, project, venv};

/// The environment's interpreter.
pub(crate) fn install(python: &Path) -> Result<PathBuf> {
    let folder = project::cache().join("bench/venv");
    let made_of = folder.join("made-of");
    let inside = folder.join("bin/python");
    let stamp = format!("{}\npyperformance\n{}\n", python.display(), PACKAGES.join("\n"));
    if fs::read_to_string(&made_of).is_ok_and(|found| found == stamp) {
        return Ok(inside);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    println!("installing benchmark programs and other tools into {}", folder.display());
    venv::make(python, &folder)?;
    let mut pip = Command::new(&inside);
    command::run(pip.args(["-m", "pip", "--quiet", "install", "pyperformance"]).args(PACKAGES))?;
    fs::write(&made_of, stamp).with_context(|| format!("failed to write {}", made_of.display()))?;
    Ok(inside)
}
