//! The sources of `core`, which the object is built from.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::toolchain::Toolchain;
use crate::{command, project};

/// Where cargo looks for the standard library's sources, below the sysroot.
const SOURCES: &str = "lib/rustlib/src/rust";

/// rustc's folder with the sources of core in it: its own where the `rust-src` component is installed, else a
/// folder of links to it, to which the sources are added.
pub(crate) fn with_sources(toolchain: &Toolchain) -> Result<PathBuf> {
    if has_sources(&toolchain.sysroot) {
        return Ok(toolchain.sysroot.clone());
    }
    let view = project::cache().join(format!("sysroot-{}", toolchain.rustc));
    if has_sources(&view) {
        return Ok(view);
    }
    if let Some(archive) = archive(&toolchain.rustc) {
        unpack(&archive, &view, toolchain)?;
        return Ok(view);
    }
    bail!(
        "found no sources of core for rustc {}\nInstall them with `rustup component add rust-src`, or set \
         MOLT_RUST_SRC to an archive of the release's library/ folder.",
        toolchain.rustc
    );
}

/// The folder of the sources inside `sysroot`, and the same with its links followed: both may be written into
/// what rustc makes.
pub(crate) fn source_folders(sysroot: &Path) -> Result<[PathBuf; 2]> {
    let named = sysroot.join(SOURCES);
    let library = named.join("library");
    let real = library.canonicalize().with_context(|| format!("failed to read {}", library.display()))?;
    Ok([named, real.parent().map(Path::to_path_buf).unwrap_or(real)])
}

fn has_sources(sysroot: &Path) -> bool {
    sysroot.join(SOURCES).join("library/core/src/lib.rs").exists()
}

/// An archive of the release's `library/` folder: the one that is named in the environment, or one in the
/// folder `shared` beside the project.
fn archive(rustc: &str) -> Option<PathBuf> {
    let beside = project::root().join(format!("../shared/rust-src-{rustc}.tar.xz"));
    std::env::var_os("MOLT_RUST_SRC").map(PathBuf::from).or_else(|| beside.exists().then_some(beside))
}

fn unpack(archive: &Path, view: &Path, toolchain: &Toolchain) -> Result<()> {
    let sources = view.join(SOURCES);
    fs::create_dir_all(&sources).with_context(|| format!("failed to create {}", sources.display()))?;
    let link = view.join("lib/rustlib").join(&toolchain.host);
    if !link.is_symlink() {
        let own = toolchain.sysroot.join("lib/rustlib").join(&toolchain.host);
        symlink(&own, &link).with_context(|| format!("failed to create {}", link.display()))?;
    }
    command::run(Command::new("tar").arg("-C").arg(&sources).arg("-xf").arg(archive))
}
