//! `cargo xtask ebpf`: the eBPF object from its source, the same bytes on every machine that has the pinned
//! toolchain. The only thing that writes `molt-ebpf/prebuilt/`.

mod build;
mod linker;
mod manifest;
mod sysroot;
mod toolchain;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::project;
use toolchain::Toolchain;

/// The architecture whose registers the object's programs read.
const ARCH: &str = "x86_64";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rebuild and compare byte for byte with the object in the repository; write nothing to it.
    #[arg(long, conflicts_with = "lint")]
    pub check: bool,
    /// Run clippy over the programs instead, with warnings denied.
    #[arg(long)]
    pub lint: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let toolchain = Toolchain::of_machine()?;
    toolchain.expect_pinned()?;
    if args.lint {
        return build::lint(&toolchain);
    }
    let object = build::object(&toolchain)?;
    let manifest = manifest::text(&object, &toolchain)?;
    if args.check { check(&object, &manifest) } else { write(&object, &manifest) }
}

fn object_path() -> PathBuf {
    project::root().join(format!("molt-ebpf/prebuilt/molt-{ARCH}.bpf.o"))
}

fn manifest_path() -> PathBuf {
    project::root().join(format!("molt-ebpf/prebuilt/molt-{ARCH}.txt"))
}

fn write(object: &[u8], manifest: &str) -> Result<()> {
    let path = object_path();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    }
    for (path, content) in [(path, object), (manifest_path(), manifest.as_bytes())] {
        fs::write(&path, content).with_context(|| format!("failed to write {}", path.display()))?;
        println!("wrote {}, {} bytes", path.display(), content.len());
    }
    Ok(())
}

fn check(object: &[u8], manifest: &str) -> Result<()> {
    for (path, content) in [(manifest_path(), manifest.as_bytes()), (object_path(), object)] {
        let kept = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        if kept == content {
            println!("{} is what the source makes", path.display());
            continue;
        }
        let built = build::target_folder().join(path.file_name().unwrap_or_default());
        fs::write(&built, content).with_context(|| format!("failed to write {}", built.display()))?;
        bail!(
            "{} is not what the source makes: {} bytes kept, {} bytes built\nThe built one is {}. `cargo xtask ebpf` \
             replaces the kept one.",
            path.display(),
            kept.len(),
            content.len(),
            built.display()
        );
    }
    Ok(())
}
