//! The interpreters on this machine.

#[path = "../../support/pythons.rs"]
#[expect(dead_code, reason = "the live suite uses the rest")]
mod pythons;

use std::path::PathBuf;

/// The interpreters of 3.`oldest` and later that `cargo xtask pythons` listed, or else those of pyenv.
///
/// # Panics
/// When there is none: a test that compares with nothing must not pass.
pub(crate) fn found(oldest: u8) -> Vec<PathBuf> {
    let listed = pythons::list();
    let supported = listed.into_iter().filter(|python| python.supported);
    let mut pythons: Vec<_> = supported.map(|python| (python.minor(), python.path)).collect();
    if pythons.is_empty() {
        pythons = of_pyenv();
    }
    pythons.retain(|(minor, python)| (oldest..=15).contains(minor) && python.exists());
    pythons.sort();
    assert!(!pythons.is_empty(), "no CPython 3.{oldest} or later: run `cargo xtask pythons`");
    pythons.into_iter().map(|(_, python)| python).collect()
}

/// Minor version and path of each CPython 3 of pyenv.
fn of_pyenv() -> Vec<(u8, PathBuf)> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let pyenv = std::env::var_os("PYENV_ROOT").map_or_else(|| home.join(".pyenv"), PathBuf::from);
    let installed = std::fs::read_dir(pyenv.join("versions")).into_iter().flatten();
    installed
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let minor = folder.file_name()?.to_str()?.strip_prefix("3.")?.split('.').next()?.parse().ok()?;
            Some((minor, folder.join("bin/python3")))
        })
        .collect()
}
