//! Where things are in the project.

use std::env;
use std::path::{Path, PathBuf};

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
