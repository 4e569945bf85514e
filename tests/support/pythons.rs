//! The interpreters that the live suite runs on: those that `cargo xtask pythons` listed.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The minor versions of Python 3 that molt supports, each of which must be tested.
pub(crate) const MINORS: std::ops::RangeInclusive<u8> = 8..=15;

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// One interpreter.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Interpreter {
    /// What a failure is named by: `debian-3.13`.
    pub(crate) name: String,
    /// `3.13.5`.
    pub(crate) version: String,
    /// The program that starts it.
    pub(crate) path: PathBuf,
    /// The file that its code is in: the program itself, or libpython.
    pub(crate) binary: PathBuf,
    /// Whether it is built without the global interpreter lock.
    pub(crate) free_threaded: bool,
    /// Whether molt says that it can trace it.
    pub(crate) supported: bool,
}

impl Interpreter {
    pub(crate) fn minor(&self) -> u8 {
        self.version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0)
    }

    /// A command that runs it, in the folder of the programs.
    pub(crate) fn start(&self) -> Command {
        let mut command = Command::new(&self.path);
        at_home(&mut command);
        command
    }
}

/// Gives a command the environment and the folder that all programs run in.
pub(crate) fn at_home(command: &mut Command) {
    command
        .current_dir(root().join("tests/programs"))
        // The standard library's bytecode is kept, the source folders stay clean.
        .env("PYTHONPYCACHEPREFIX", root().join(".molt/pycache"))
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONIOENCODING", "utf-8")
        .env_remove("MOLT_TEST_SECONDS")
        .env_remove("SUDO_UID")
        .env_remove("SUDO_GID");
}

/// The interpreters on this machine.
pub(crate) fn list() -> Vec<Interpreter> {
    let path = root().join(".molt/pythons.json");
    let text = fs::read_to_string(&path).unwrap_or_default();
    if text.is_empty() {
        return Vec::new();
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The supported minor versions that no interpreter of `list` has.
pub(crate) fn missing(list: &[Interpreter]) -> Vec<String> {
    let have: BTreeSet<u8> = list.iter().map(Interpreter::minor).collect();
    MINORS.filter(|minor| !have.contains(minor)).map(|minor| format!("3.{minor}")).collect()
}
