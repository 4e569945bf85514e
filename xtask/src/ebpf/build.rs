//! One build of the object.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::toolchain::Toolchain;
use super::{ARCH, linker, sysroot};
use crate::{command, project};

const TARGET: &str = "bpfel-unknown-none";

/// The object's bytes.
pub(crate) fn object(toolchain: &Toolchain) -> Result<Vec<u8>> {
    let mut cargo = cargo("build", toolchain)?;
    command::run(&mut cargo)?;
    let linked = target_folder().join(TARGET).join("release/molt");
    let stripped = linked.with_extension("stripped");
    strip(&linked, &stripped, toolchain)?;
    fs::read(&stripped).with_context(|| format!("failed to read {}", stripped.display()))
}

/// Clippy over the programs, warnings denied.
pub(crate) fn lint(toolchain: &Toolchain) -> Result<()> {
    command::run(cargo("clippy", toolchain)?.args(["--", "--deny", "warnings"]))
}

/// Where the build's own files are.
pub(crate) fn target_folder() -> PathBuf {
    project::cache().join("build/ebpf")
}

/// `cargo SUBCOMMAND` in molt-ebpf, with all that the kernel's target needs beyond stable Rust.
fn cargo(subcommand: &str, toolchain: &Toolchain) -> Result<Command> {
    let package = project::root().join("molt-ebpf");
    let sysroot = sysroot::with_sources(toolchain)?;
    let mut cargo = Command::new("cargo");
    cargo
        .arg(subcommand)
        .args(["--locked", "--release", "--target", TARGET, "-Zbuild-std=core"])
        .current_dir(&package)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC_WRAPPER", project::root().join("scripts/rustc-stable-ids"))
        .env("MOLT_SYSROOT", &sysroot)
        // What cargo would keep includes the sysroot, and does not depend on the variable above.
        .env("CARGO_CACHE_RUSTC_INFO", "0")
        .env("CARGO_TARGET_DIR", target_folder())
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", linker::ready(toolchain)?)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&package, &sysroot)?.join("\x1f"));
    Ok(cargo)
}

/// BTF is made from debug information, and both name source files: each folder of this machine's gets a name
/// that is the same everywhere. rustc takes the last one that fits, so the more special ones come last.
fn flags(package: &Path, sysroot: &Path) -> Result<Vec<String>> {
    let mut flags = vec![
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        // Atomic additions that give what was there before (Linux 5.12).
        "-Ctarget-cpu=v3".to_owned(),
        format!("--cfg=bpf_target_arch=\"{ARCH}\""),
    ];
    let mut rename = |folder: &Path, name: &str| {
        flags.push(format!("--remap-path-prefix={}={name}", folder.display()));
    };
    rename(&project::root(), "molt");
    for folder in package_folders(package)? {
        rename(&folder, "crates");
    }
    for folder in sysroot::source_folders(sysroot)? {
        rename(&folder, "rust");
    }
    Ok(flags)
}

/// The folders that the unpacked packages of the registry lie in. Fetches them first where they are missing.
fn package_folders(package: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--locked", "--format-version", "1"]).current_dir(package);
    let metadata: Value = serde_json::from_str(&command::output(&mut cargo)?)?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("cargo metadata lists no packages")?;
    Ok(packages
        .iter()
        .filter(|package| package.get("source").is_some_and(Value::is_string))
        .filter_map(|package| Path::new(package.get("manifest_path")?.as_str()?).parent()?.parent())
        .map(Path::to_path_buf)
        .collect())
}

/// Takes the debug information out, which is 20 times the size of the programs. BTF stays.
fn strip(from: &Path, to: &Path, toolchain: &Toolchain) -> Result<()> {
    let objcopy = toolchain.sysroot.join("lib/rustlib").join(&toolchain.host).join("bin/rust-objcopy");
    let mut libraries = vec![toolchain.sysroot.join("lib")];
    libraries.extend(env::var_os("LD_LIBRARY_PATH").iter().flat_map(env::split_paths));
    let mut command = Command::new(objcopy);
    command.arg("--strip-debug").arg(from).arg(to).env("LD_LIBRARY_PATH", env::join_paths(libraries)?);
    command::run(&mut command)
}
