//! The interpreters on this machine.

use std::path::PathBuf;

/// The pythons of pyenv, and the system's, from 3.`oldest` on.
///
/// # Panics
/// When there is none: a test that compares with nothing must not pass.
pub(crate) fn found(oldest: u8) -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let pyenv = std::env::var_os("PYENV_ROOT").map_or_else(|| home.join(".pyenv"), PathBuf::from);
    let installed = std::fs::read_dir(pyenv.join("versions")).into_iter().flatten();
    let mut pythons: Vec<(u8, PathBuf)> = installed
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let minor = folder.file_name()?.to_str()?.strip_prefix("3.")?.split('.').next()?.parse().ok()?;
            Some((minor, folder.join("bin/python3")))
        })
        .chain((8..=15).map(|minor| (minor, PathBuf::from(format!("/usr/bin/python3.{minor}")))))
        .filter(|(minor, python)| *minor >= oldest && python.exists())
        .collect();
    pythons.sort();
    assert!(!pythons.is_empty(), "no CPython 3.{oldest} or later on this machine");
    pythons.into_iter().map(|(_, python)| python).collect()
}
