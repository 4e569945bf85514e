//! Interpreters that the machine has.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::describe::Python;

/// pyenv's versions and the system's, as far as they run. One that does not is named and left out.
pub(crate) fn find() -> Vec<Python> {
    let mut pythons: Vec<Python> = Vec::new();
    for (name, path, from) in pyenv().into_iter().chain(system()) {
        match Python::describe(&name, &path, from) {
            Ok(python) => pythons.push(python),
            Err(reason) => println!("left out {}: {reason:#}", path.display()),
        }
    }
    pythons
}

fn pyenv() -> Vec<(String, PathBuf, &'static str)> {
    let roots =
        [env::var_os("PYENV_ROOT").map(PathBuf::from), env::home_dir().map(|home| home.join(".pyenv"))];
    let Some(versions) =
        roots.into_iter().flatten().map(|root| root.join("versions")).find(|path| path.is_dir())
    else {
        return Vec::new();
    };
    entries(&versions)
        .into_iter()
        // A link is a virtual environment, made of a version that is in the list itself.
        .filter(|path| !path.is_symlink() && path.join("bin/python").exists())
        .map(|path| (format!("pyenv-{}", file_name(&path)), path.join("bin/python"), "pyenv"))
        .collect()
}

fn system() -> Vec<(String, PathBuf, &'static str)> {
    entries(Path::new("/usr/bin"))
        .into_iter()
        .filter(|path| !path.is_symlink() && is_versioned(&file_name(path)))
        .map(|path| (file_name(&path).replace("python", "system-"), path, "system"))
        .collect()
}

/// `python3.11` or `python3.13t`, but not `python3.11-config`.
fn is_versioned(name: &str) -> bool {
    name.strip_prefix("python3.").is_some_and(|minor| {
        let digits = minor.trim_end_matches('t');
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What `folder` holds, sorted; nothing if it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::is_versioned;

    // The system's folder holds much whose name begins with python.
    #[test]
    fn takes_only_interpreters_with_a_version() {
        let taken = ["python3.8", "python3.11", "python3.13t"];
        let left =
            ["python3", "python3.", "python3.11-config", "python3-config", "python3.11-dbg", "pythonw3.9"];
        assert!(taken.into_iter().all(is_versioned));
        assert!(!left.into_iter().any(is_versioned));
    }
}
