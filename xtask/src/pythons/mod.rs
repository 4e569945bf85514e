//! `cargo xtask pythons`: the interpreters that molt is tested on.
//!
//! What the machine has (pyenv's and the system's), and Debian's builds of the versions that it lacks, fetched
//! with apt. The list is written to `.molt/pythons.json`, which the tests read.

mod built;
mod debian;
mod describe;
mod installed;
mod relocate;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::project;
pub(crate) use describe::Python;

/// Minor versions of Python 3 that molt supports: each must be tested on at least one build.
const SUPPORTED: std::ops::RangeInclusive<u32> = 8..=15;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// List what is there; fetch nothing.
    #[arg(long)]
    pub offline: bool,
    /// Build those that no registry has as well: without the global interpreter lock, and with musl.
    #[arg(long)]
    pub build: bool,
    /// Fail where a supported version has no interpreter.
    #[arg(long)]
    pub require: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.build {
        built::make()?;
    }
    let mut pythons = installed::find();
    pythons.extend(debian::fetch(&pythons, args.offline)?);
    pythons.sort_by_key(|python| (python.version, python.name.clone()));
    print(&pythons);
    write(&pythons)?;
    let missing: Vec<_> = missing(&pythons).map(|minor| format!("3.{minor}")).collect();
    if args.require && !missing.is_empty() {
        bail!("found no interpreter for Python {}\nInstall them with pyenv.", missing.join(", "));
    }
    Ok(())
}

/// An interpreter for a first try: the system's own before others, newer before older.
pub(crate) fn to_try() -> Result<PathBuf> {
    let installed = installed::find().into_iter().filter(Python::supported);
    let best = installed.max_by_key(|python| (python.from == "system", python.version));
    best.map(|python| python.path).context("found no supported Python on this machine\nInstall python3.")
}

/// An interpreter that the other tools of the benchmarks run on as well: from 3.12 on for RightTyper, and old enough
/// that all have built packages for it. Debian's build before one that was made without optimizations.
pub(crate) fn to_compare() -> Result<PathBuf> {
    let fit = at_hand()?.into_iter().filter(|python| matches!(python.version[1], 12 | 13));
    let best = fit.max_by_key(|python| (python.usdt, python.version)).map(|python| python.path);
    best.map_or_else(to_try, Ok)
}

/// The interpreters of this machine that molt supports, those that were fetched before among them.
pub(crate) fn at_hand() -> Result<Vec<Python>> {
    let mut pythons = installed::find();
    pythons.extend(debian::fetch(&pythons, true)?);
    pythons.retain(Python::supported);
    Ok(pythons)
}

fn missing(pythons: &[Python]) -> impl Iterator<Item = u32> {
    SUPPORTED.filter(|minor| !pythons.iter().any(|python| python.supported() && python.version[1] == *minor))
}

fn print(pythons: &[Python]) {
    println!("{:<16} {:<9} {:<9} {:<5} {:<7} path", "name", "version", "stripped", "USDT", "shared");
    for python in pythons {
        let yes = |fact: bool| if fact { "yes" } else { "no" };
        println!(
            "{:<16} {:<9} {:<9} {:<5} {:<7} {}{}",
            python.name,
            python.version_text(),
            yes(python.stripped),
            yes(python.usdt),
            yes(python.shared),
            python.path.display(),
            if python.supported() { "" } else { " (not supported)" }
        );
    }
    for minor in missing(pythons) {
        println!("{:<16} 3.{minor} has no interpreter here", "-");
    }
}

fn write(pythons: &[Python]) -> Result<()> {
    let list: Vec<_> = pythons
        .iter()
        .map(|python| {
            json!({
                "name": python.name,
                "version": python.version_text(),
                "path": path_text(&python.path),
                "binary": path_text(&python.binary),
                "from": python.from,
                "implementation": python.implementation,
                "supported": python.supported(),
                "stripped": python.stripped,
                "usdt": python.usdt,
                "shared": python.shared,
                "free_threaded": python.free_threaded,
            })
        })
        .collect();
    let path = project::cache().join("pythons.json");
    fs::create_dir_all(project::cache())?;
    fs::write(&path, serde_json::to_string_pretty(&list)? + "\n")
        .with_context(|| format!("failed to write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
