//! bpf-linker, built against the LLVM that rustc carries.
//!
//! It reads rustc's bitcode, which another LLVM may not understand. A release archive or an installed one
//! would bring its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::toolchain::Toolchain;
use crate::{command, project};

/// The path of bpf-linker, building it first where this version was not built yet with this rustc.
pub(crate) fn ready(toolchain: &Toolchain) -> Result<PathBuf> {
    let tools = project::cache().join("tools");
    let linker = tools.join("bin/bpf-linker");
    let made_by = tools.join("bpf-linker.made-by");
    let stamp = format!("bpf-linker {}\n{}\n", toolchain.pinned_linker, toolchain.rustc_line);
    if linker.exists() && fs::read_to_string(&made_by).is_ok_and(|found| found == stamp) {
        return Ok(linker);
    }
    println!("building bpf-linker {} (about a minute, once)", toolchain.pinned_linker);
    let llvm = llvm_prefix(toolchain)?;
    let library_folder = llvm.join("lib");
    let flags = [
        format!("-L{}", library_folder.display()),
        format!("-Clink-arg=-Wl,-rpath,{}", toolchain.sysroot.join("lib").display()),
    ];
    let mut install = Command::new("cargo");
    install
        .args(["install", "--quiet", "--locked", "--force", "--no-default-features", "--features"])
        .arg(format!("llvm-{}", toolchain.llvm_major()))
        .arg("--root")
        .arg(&tools)
        .arg(format!("bpf-linker@{}", toolchain.pinned_linker))
        .env("LLVM_PREFIX", &llvm)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env("CARGO_TARGET_DIR", project::cache().join("build/bpf-linker"));
    command::run(&mut install)?;
    fs::write(&made_by, stamp).with_context(|| format!("failed to write {}", made_by.display()))?;
    Ok(linker)
}

/// A folder laid out as an installed LLVM, in which `libLLVM.so` is rustc's.
fn llvm_prefix(toolchain: &Toolchain) -> Result<PathBuf> {
    let theirs = toolchain.sysroot.join("lib");
    let library = fs::read_dir(&theirs)
        .with_context(|| format!("failed to read {}", theirs.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libLLVM.so.")))
        .with_context(|| {
            format!("{} holds no libLLVM.so.*: this rustc is linked to LLVM in another way", theirs.display())
        })?;
    let prefix = project::cache().join("llvm");
    let folder = prefix.join("lib");
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let link = folder.join("libLLVM.so");
    if link.is_symlink() {
        fs::remove_file(&link).with_context(|| format!("failed to remove {}", link.display()))?;
    }
    symlink(&library, &link).with_context(|| format!("failed to create {}", link.display()))?;
    Ok(prefix)
}
