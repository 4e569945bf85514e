//! The kernel side, and what sees calls by it.

use super::Findings;
use crate::capture::ebpf::attach::Unhooking;
use crate::capture::ebpf::{Kernel, Room};
use crate::clock::monotonic_ns;
use crate::diagnose::advice::one_line;
use crate::discover::Build;
use crate::trace::effects::EffectHooks;
use crate::trace::failure::Failure;
use crate::trace::observe::Observer;
use crate::trace::watch::{Ask, Watch};
use crate::trace::{Observe, Options};
use anyhow::Context;
use molt_common::fault::Fault;
use molt_mpa::model::Backend;
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// The loaded kernel side.
#[derive(Debug)]
pub(in crate::trace) struct KernelSide {
    pub(super) kernel: Kernel,
    /// What sees calls.
    pub(super) observer: Observer,
    /// What sees effects.
    pub(super) effects: EffectHooks,
    /// Interpreters that have probes, by device and inode.
    hooked: BTreeSet<(u64, u64)>,
    /// Losses that were accounted for already.
    told: Vec<(Fault, u64)>,
}

/// Whether the kernel refused because there is no such process.
fn is_gone(refused: &anyhow::Error) -> bool {
    refused.chain().any(|cause| cause.downcast_ref() == Some(&Errno::ESRCH))
}

/// A kernel side that is going away. Its probes are waited for first.
#[derive(Debug)]
pub(in crate::trace) struct Closing {
    _unhooking: Unhooking,
    _kernel: Kernel,
}

impl KernelSide {
    /// Loads and attaches it, and makes the watch that it feeds.
    pub(super) fn load(options: &Options) -> Result<(Self, Watch), Failure> {
        let counts = options.observe != Observe::Sample;
        let mut kernel = Kernel::load(if counts { Room::Calls } else { Room::Samples })?;
        kernel.watch_processes()?;
        let mut watch = Watch::new(monotonic_ns(), counts);
        watch.held.until_told = options.observe == Observe::Exact;
        let observer = Observer::new(&mut kernel, options.observe, &mut watch)
            .context("failed to let calls be counted")?;
        let effects = EffectHooks::new(&mut kernel, options.observe, &mut watch);
        kernel.sample(u64::from(options.frequency))?;
        if let Some(unknown) = &kernel.degraded {
            watch.remark(format!("{}: children cannot be followed", one_line(unknown)));
        }
        Ok((Self { kernel, observer, effects, hooked: BTreeSet::new(), told: Vec::new() }, watch))
    }

    /// Does what the watch asks for.
    pub(super) fn obey(&mut self, ask: Ask, watch: &mut Watch) -> anyhow::Result<()> {
        match ask {
            Ask::Configure(pid, config) => Ok(self.kernel.trace(pid, &config)?),
            Ask::Kind(program, packed, kind) => Ok(self.kernel.kind(program, packed, kind)?),
            Ask::Plan(program, plans) => Ok(self.kernel.plan(program, &plans)?),
            Ask::Forget(pid) => {
                self.kernel.forget(pid);
                self.observer.remove(&mut self.kernel, pid);
                self.effects.remove(&mut self.kernel, pid);
                Ok(())
            }
            Ask::Clock(threads) => {
                self.observer.begin(threads, watch);
                Ok(())
            }
            Ask::Hook(build) => self.hook(&build, watch),
            Ask::Count(pid, build) => self.count(pid, &build, watch),
        }
    }

    /// Reports the end of interpreters of this build, once for each file. Where that cannot be had, what the
    /// last look before it found is all that is known, and the artifact says so.
    fn hook(&mut self, build: &Build, watch: &mut Watch) -> anyhow::Result<()> {
        let file = build.elf.file().metadata()?;
        if !self.hooked.insert((file.dev(), file.ino())) {
            return Ok(());
        }
        let milestones = build.milestones();
        let hooked = if milestones.ends.is_empty() {
            Err(anyhow::anyhow!("the interpreter exports none of the functions that begin its end"))
        } else {
            self.kernel.hook_milestones(&build.open_path(), &milestones).map_err(anyhow::Error::from)
        };
        hooked.inspect_err(|refused| watch.end_is_unseen(&one_line(refused.as_ref())))
    }

    /// Sees the calls of a process. Where they cannot be seen, those on sampled stacks are all that is known, and
    /// the artifact says so.
    fn count(&mut self, pid: u32, build: &Arc<Build>, watch: &mut Watch) -> anyhow::Result<()> {
        // A process that has just ended, unknown to the watch yet, has nothing more to be missed.
        if let Err(refused) = self.effects.add(&mut self.kernel, watch, pid, build)
            && watch.runs(pid)
            && !is_gone(&refused)
        {
            watch.effects_are_unseen(&one_line(refused.as_ref()));
        }
        match self.observer.add(&mut self.kernel, pid, build) {
            Err(refused) if is_gone(&refused) => Ok(()),
            hooked => hooked.inspect_err(|refused| watch.calls_are_unseen(&one_line(refused.as_ref()))),
        }
    }

    /// Opens and closes windows, and watches system calls as far as they can be paid for. When to do so next.
    pub(super) fn tick(&mut self, watch: &mut Watch) -> anyhow::Result<Option<u64>> {
        let calls = self.observer.tick(&mut self.kernel, watch)?;
        let effects = self.effects.tick(&mut self.kernel, watch, &mut self.observer)?;
        Ok([calls, effects].into_iter().flatten().min())
    }

    /// What was counted and lost since the last account.
    pub(super) fn account(&mut self, watch: &mut Watch, last: bool) -> Result<Findings, Failure> {
        const COUNTED: &str = "failed to read what was counted";
        let unwatched = self.effects.account(&self.kernel, watch, &mut self.observer).context(COUNTED)?;
        let account = self.observer.account(&mut self.kernel, watch, last).context(COUNTED)?;
        let faults = self.kernel.faults().context("failed to read what was lost")?;
        let told = std::mem::replace(&mut self.told, faults.clone());
        let before = |fault| told.iter().find(|(known, _)| *known == fault).map_or(0, |(_, count)| *count);
        let new = faults.into_iter().map(|(fault, count)| (fault, count.saturating_sub(before(fault))));
        let faults = new.filter(|(_, count)| *count > 0).collect();
        Ok(Findings { backend: Backend::Ebpf, account, faults, unwatched })
    }

    /// What was counted and lost last. The probes go away.
    pub(super) fn end(mut self, watch: &mut Watch) -> Result<(Findings, Closing), Failure> {
        let unhooking = self.kernel.unhook();
        let findings = self.account(watch, true)?;
        Ok((findings, Closing { _unhooking: unhooking, _kernel: self.kernel }))
    }
}
