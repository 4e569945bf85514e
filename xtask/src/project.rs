//! Where things are in the project.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;

/// The project's folder: the one that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}

/// The project's folder for what is fetched and built besides cargo's own target folder. Ignored by git, kept
/// between runs, and safe to delete.
pub(crate) fn cache() -> PathBuf {
    root().join(".molt")
}

/// The folder that cargo builds into.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = metadata()?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    folder.map(PathBuf::from).context("cargo metadata names no target folder")
}

/// What cargo knows of the workspace, without its dependencies.
pub(crate) fn metadata() -> Result<Value> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(root());
    Ok(serde_json::from_str(&command::output(&mut cargo)?)?)
}
