//! Which rustc this machine has, and which one made the object.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{command, project};

/// The machine's rustc, and what the workspace pins.
pub(crate) struct Toolchain {
    /// First line of `rustc -vV`: version, commit, date.
    pub rustc_line: String,
    /// Release number, `1.95.0`.
    pub rustc: String,
    /// LLVM inside rustc, `22.1.2`.
    pub llvm: String,
    /// The triple of this machine.
    pub host: String,
    /// rustc's own folder.
    pub sysroot: PathBuf,
    /// The release that made the object in the repository.
    pub pinned_rustc: String,
    /// The bpf-linker that made the object in the repository, and that is built here.
    pub pinned_linker: String,
}

impl Toolchain {
    pub(crate) fn of_machine() -> Result<Self> {
        let verbose = command::output(Command::new("rustc").arg("-vV"))?;
        let field = |name: &str| {
            verbose
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .map(str::to_owned)
                .with_context(|| format!("`rustc -vV` names no {name}"))
        };
        let sysroot = command::output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let (pinned_rustc, pinned_linker) = pins()?;
        Ok(Self {
            rustc_line: verbose.lines().next().unwrap_or_default().to_owned(),
            rustc: field("release")?,
            llvm: field("LLVM version")?,
            host: field("host")?,
            sysroot: sysroot.trim_end().into(),
            pinned_rustc,
            pinned_linker,
        })
    }

    /// Another compiler makes other bytes, and a check against them would say nothing about the source.
    pub(crate) fn expect_pinned(&self) -> Result<()> {
        ensure!(
            self.rustc == self.pinned_rustc,
            "the object in the repository is made by rustc {}, and this machine has rustc {}\n\
             Install the former (`rustup toolchain install {0}`, then `rustup override set {0}`), or change \
             `workspace.metadata.ebpf` in Cargo.toml and rebuild the object.",
            self.pinned_rustc,
            self.rustc
        );
        Ok(())
    }

    /// LLVM's major version, by which bpf-linker names its features.
    pub(crate) fn llvm_major(&self) -> &str {
        self.llvm.split('.').next().unwrap_or_default()
    }
}

/// `rustc` and `bpf-linker` of `workspace.metadata.ebpf`.
fn pins() -> Result<(String, String)> {
    let metadata = project::metadata()?;
    let pin = |name: &str| {
        metadata
            .pointer(&format!("/metadata/ebpf/{name}"))
            .and_then(Value::as_str)
            .map(str::to_owned)
            .with_context(|| format!("workspace.metadata.ebpf in Cargo.toml names no {name}"))
    };
    Ok((pin("rustc")?, pin("bpf-linker")?))
}
