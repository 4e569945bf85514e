//! An environment of the project's own for what others wrote: benchmark programs, and tools to compare molt with.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::tools::PACKAGES;
use crate::{project, venv};

/// The environment's interpreter.
pub(crate) fn install(python: &Path) -> Result<PathBuf> {
    let wanted = [&["pyperformance"], PACKAGES.as_slice()].concat();
    venv::install(python, &project::cache().join("bench/venv"), &wanted)
}
