//! The processes whose effects are seen, and their probes.

use crate::capture::ebpf::Kernel;
use crate::cpython::effect_sites::EffectSites;
use crate::discover::Build;
use anyhow::Context;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

/// The file that each process's interpreter is in, by device and inode.
#[derive(Debug, Default)]
pub(super) struct EffectHooks(BTreeMap<u32, (u64, u64)>);

impl EffectHooks {
    /// Process `pid` runs or is about to run this build; what was found out last is right.
    pub(super) fn add(&mut self, kernel: &mut Kernel, pid: u32, build: &Build) -> anyhow::Result<()> {
        let file = build.elf.file().metadata().context("failed to identify the interpreter's file")?;
        let file = (file.dev(), file.ino());
        if self.0.get(&pid) == Some(&file) {
            return Ok(());
        }
        self.remove(kernel, pid);
        kernel.hook_effects(pid, &build.open_path(), &EffectSites::of(build))?;
        self.0.insert(pid, file);
        Ok(())
    }

    /// Process `pid` has ended.
    pub(super) fn remove(&mut self, kernel: &mut Kernel, pid: u32) {
        self.0.remove(&pid);
        kernel.unhook_effects(pid);
    }
}
