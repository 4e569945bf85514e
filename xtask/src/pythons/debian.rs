//! Debian's builds of the versions that the machine has no system interpreter of: stripped, LTO and PGO, with
//! USDT. They complement pyenv's, which are none of these.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::describe::Python;
use super::relocate;
use super::suite::Suite;
use crate::{command, project};

/// Minor versions, with the suites that may have them, the most settled first.
const WANTED: [(u32, &[&str]); 5] = [
    (9, &["bullseye"]),
    (11, &["bookworm"]),
    (13, &["trixie"]),
    (14, &["forky", "sid"]),
    (15, &["forky", "sid", "experimental"]),
];

/// The name that Debian gives this machine's kind.
const MULTIARCH: &str = if cfg!(target_arch = "aarch64") { "aarch64-linux-gnu" } else { "x86_64-linux-gnu" };

/// Fetches what is wanted and neither installed as the system's own nor fetched before. A version that cannot
/// be had is named and left out.
pub(crate) fn fetch(installed: &[Python], offline: bool) -> Result<Vec<Python>> {
    let is_system = |minor: u32| {
        installed.iter().any(|python| python.from == "system" && python.version[1] == minor && python.usdt)
    };
    let has_apt = is_debian();
    let mut pythons = Vec::new();
    for (minor, suites) in WANTED.into_iter().filter(|(minor, _)| !is_system(*minor)) {
        let name = format!("debian-3.{minor}");
        let root = project::cache().join("pythons").join(&name);
        let ready = root.join("ready");
        if !is_ready(&root) {
            if offline || !has_apt {
                continue;
            }
            if let Err(reason) = fetch_one(minor, suites, &root) {
                println!("left out {name}: {reason:#}");
                continue;
            }
        }
        let suite =
            fs::read_to_string(&ready).with_context(|| format!("failed to read {}", ready.display()))?;
        let suite = suite.lines().next_back().unwrap_or_default();
        pythons.push(Python::describe(&name, &root.join(format!("usr/bin/python3.{minor}")), suite)?);
    }
    if !has_apt {
        println!(
            "This is not Debian: its builds of Python are not fetched, and only what is installed is tested."
        );
    }
    Ok(pythons)
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists()
        && command::succeeds(Command::new("dpkg-deb").arg("--version"))
        && command::output(Command::new("dpkg-vendor").args(["--query", "vendor"]).env("LC_ALL", "C"))
            .map_or(true, |vendor| vendor.trim() == "Debian")
}

/// The file `ready` holds the folder that the interpreter was made to run from, and its suite. The cache may be a link
/// that several copies of the project share.
fn is_ready(root: &Path) -> bool {
    let Ok(root) = root.canonicalize() else { return false };
    fs::read_to_string(root.join("ready"))
        .is_ok_and(|text| text.lines().next().is_some_and(|folder| Path::new(folder) == root))
}

fn fetch_one(minor: u32, suites: &[&str], root: &Path) -> Result<()> {
    let package = format!("python3.{minor}");
    let mut found = None;
    for name in suites {
        let suite = Suite::open(name)?;
        if let Some(version) = suite.version(&package)? {
            found = Some((suite, *name, version));
            break;
        }
    }
    let (suite, name, version) =
        found.with_context(|| format!("no suite has {package}: {}", suites.join(", ")))?;
    println!("fetching {package} {version} from {name}");
    if root.exists() {
        fs::remove_dir_all(root).with_context(|| format!("failed to remove {}", root.display()))?;
    }
    fs::create_dir_all(root).with_context(|| format!("failed to create {}", root.display()))?;
    suite.unpack(&package, root)?;
    let python = root.join("usr/bin").join(&package);
    relocate::relocate(&python, &loader(root)?, &library_path())
        .with_context(|| format!("failed to make {} run from its folder", python.display()))?;
    for short in ["python3", "python"] {
        symlink(&package, root.join("usr/bin").join(short))?;
    }
    fs::write(root.join("ready"), format!("{}\n{name}\n", root.display()))?;
    Ok(())
}

/// The suite's own dynamic loader. Up to bookworm it lies outside `/usr`, and is a link to a versioned name.
fn loader(root: &Path) -> Result<PathBuf> {
    let folders = ["usr/lib", "lib"].map(|folder| root.join(folder).join(MULTIARCH));
    let names = ["ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];
    let mut paths = folders.iter().flat_map(|folder| names.map(|name| folder.join(name)));
    paths.find(|path| path.exists()).with_context(|| format!("found no dynamic loader in {}", root.display()))
}

/// Where the loader is to look for libraries, from the folder of the executable.
fn library_path() -> String {
    format!("$ORIGIN/../lib/{MULTIARCH}:$ORIGIN/../../lib/{MULTIARCH}")
}
