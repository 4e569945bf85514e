//! The processes whose calls are to be seen, and their probes.

use crate::capture::ebpf::Kernel;
use crate::cpython::jit;
use crate::diagnose::advice::one_line;
use crate::discover::{Build, Process};
use crate::trace::watch::Watch;
use anyhow::{Context, anyhow};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// Which file each process's interpreter is in.
#[derive(Debug, Default)]
pub(super) struct Hooks(BTreeMap<u32, Hooked>);

#[derive(Debug)]
struct Hooked {
    /// Device and inode.
    file: (u64, u64),
    build: Arc<Build>,
}

impl Hooks {
    /// Process `pid` runs or is about to run this build; what was found out last is right. Its probes are placed `now`
    /// or with those of the others.
    pub(super) fn add(
        &mut self,
        kernel: &mut Kernel,
        pid: u32,
        build: &Arc<Build>,
        now: bool,
    ) -> anyhow::Result<()> {
        let file = build.elf.file().metadata().context("failed to identify the interpreter's file")?;
        let file = (file.dev(), file.ino());
        if self.0.get(&pid).is_some_and(|known| known.file == file) {
            return Ok(());
        }
        self.remove(kernel, pid);
        build.call_sites().map_err(|why| anyhow!("{why}"))?;
        jit::check(build, &Process::read(pid.cast_signed())?)?;
        if now {
            place(kernel, pid, build)?;
        }
        self.0.insert(pid, Hooked { file, build: Arc::clone(build) });
        Ok(())
    }

    /// Process `pid` has ended.
    pub(super) fn remove(&mut self, kernel: &mut Kernel, pid: u32) {
        self.0.remove(&pid);
        kernel.unhook_calls(pid);
    }

    /// Places the probes of every process. One that cannot be hooked is given up.
    pub(super) fn place_all(&mut self, kernel: &mut Kernel, watch: &mut Watch) {
        self.0.retain(|pid, hooked| {
            let placed = place(kernel, *pid, &hooked.build);
            // A process that has just ended has no calls that could be missed.
            if let Err(refused) = &placed
                && watch.runs(*pid)
            {
                watch.calls_are_unseen(&one_line(refused.as_ref()));
            }
            placed.is_ok()
        });
    }

    /// Takes the probes of every process away.
    pub(super) fn remove_all(&self, kernel: &mut Kernel) {
        for pid in self.0.keys() {
            kernel.unhook_calls(*pid);
        }
    }
}

fn place(kernel: &mut Kernel, pid: u32, build: &Build) -> anyhow::Result<()> {
    let sites = build.call_sites().map_err(|why| anyhow!("{why}"))?;
    Ok(kernel.hook_calls(pid, &build.open_path(), sites)?)
}
