//! The processes whose effects are seen, and their probes; and when system calls, audit events and assignments are
//! watched.

mod unwatched;
mod valve;

use super::Observe;
use super::observe::Observer;
use super::watch::Watch;
use crate::aggregate::effects::{growth, syscalls};
use crate::capture::ebpf::Kernel;
use crate::capture::ebpf::calls::HookError;
use crate::clock::monotonic_ns;
use crate::cpython::effect_sites::EffectSites;
use crate::diagnose::advice::one_line;
use crate::discover::{Build, find_shortcuts};
use anyhow::Context;
use molt_common::effect::{EffectCount, EffectKey};
use molt_common::mutation::MutationKey;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use unwatched::Unwatched;
use valve::{Turn, Valve, Watched};

/// How often a process's C library is looked for: the dynamic linker maps it within a millisecond.
const MAX_TRIES: u32 = 50;

/// Why something is not watched throughout.
const TOO_MANY: &str = "there were too many for the budget";

/// What sees effects.
#[derive(Debug)]
pub(super) struct EffectHooks {
    /// The build that each process's interpreter is.
    hooked: BTreeMap<u32, Arc<Build>>,
    /// When system calls are watched; `None` if always, or never.
    valve: Option<Valve>,
    /// What they were while they were not.
    unwatched: Unwatched,
    /// When audit events are watched; `None` if always, or never.
    audits: Option<Valve>,
    /// They are watched.
    sees_audits: bool,
    /// Processes that are watched for what they do without a system call.
    shortcuts: BTreeSet<u32>,
    /// Processes whose C library is not there yet, and how often it was looked for.
    waiting: BTreeMap<u32, u32>,
    /// That has cost too much; it is not watched any more.
    given_up: bool,
    /// When assignments are watched; `None` if always, or never.
    frequent: Option<Valve>,
    /// They are watched.
    sees_frequent: bool,
    /// What was accounted for already.
    told: BTreeMap<EffectKey, EffectCount>,
    told_mutations: BTreeMap<MutationKey, u64>,
}

impl EffectHooks {
    /// Watches system calls, unless calls are only sampled.
    pub(super) fn new(kernel: &mut Kernel, observe: Observe, watch: &mut Watch) -> Self {
        let valve = match observe {
            Observe::Sample => None,
            Observe::Exact => {
                open(kernel, watch);
                None
            }
            Observe::Auto { budget, .. } => {
                open(kernel, watch).then(|| Valve::new(Watched::All, budget, monotonic_ns()))
            }
        };
        let frequent = match observe {
            Observe::Auto { budget, .. } => Some(Valve::new(Watched::Frequent, budget, monotonic_ns())),
            Observe::Sample | Observe::Exact => None,
        };
        Self {
            hooked: BTreeMap::new(),
            valve,
            unwatched: Unwatched::default(),
            audits: None,
            sees_audits: true,
            shortcuts: BTreeSet::new(),
            waiting: BTreeMap::new(),
            given_up: false,
            frequent,
            sees_frequent: true,
            told: BTreeMap::new(),
            told_mutations: BTreeMap::new(),
        }
    }

    /// Watches system calls as far as they can be paid for. When to be called again, if nothing else happens.
    pub(super) fn tick(
        &mut self,
        kernel: &mut Kernel,
        watch: &mut Watch,
        observer: &mut Observer,
    ) -> Result<Option<u64>, HookError> {
        for pid in self.waiting.keys().copied().collect::<Vec<_>>() {
            self.watch_shortcuts(kernel, watch, pid);
        }
        let now_ns = monotonic_ns();
        if let Some(valve) = &mut self.frequent
            && valve.is_due(now_ns)
            && valve.turn(now_ns, kernel.meter()?) == Turn::Close
        {
            // To place these probes again would cost more than they could see.
            self.frequent = None;
            self.sees_frequent = false;
            kernel.unhook_frequent();
            watch.assignments_are_unseen(TOO_MANY);
            watch.import_ends_are_unseen(TOO_MANY);
        }
        let frequent = self.frequent.as_ref().map(Valve::due_ns);
        let audits = self.watch_audits(kernel, watch, now_ns)?;
        let Some(valve) = &mut self.valve else { return Ok(frequent) };
        if valve.is_due(now_ns) {
            let net_ns = observer.net_ns(kernel)?;
            match valve.turn(now_ns, kernel.meter()?) {
                Turn::Open => {
                    open(kernel, watch);
                    // On a busy machine that takes longer than a stretch.
                    let net_ns = observer.net_ns(kernel)?;
                    self.unwatched.open(net_ns, &kernel.effects()?);
                }
                Turn::Close => {
                    kernel.ignore_syscalls();
                    kernel.unhook_shortcuts();
                    self.unwatched.close(net_ns, &kernel.effects()?);
                    if !std::mem::replace(&mut self.given_up, true) {
                        self.audits = Some(valve.divide());
                    }
                }
                Turn::Stay if valve.is_nearly_spent() => self.unwatched.mark(net_ns, &kernel.effects()?),
                Turn::Stay => {}
            }
        }
        Ok([Some(valve.due_ns()), audits, frequent].into_iter().flatten().min())
    }

    /// Watches audit events as far as they can be paid for. When to be called again.
    fn watch_audits(
        &mut self,
        kernel: &mut Kernel,
        watch: &mut Watch,
        now_ns: u64,
    ) -> Result<Option<u64>, HookError> {
        let Some(valve) = &mut self.audits else { return Ok(None) };
        if valve.is_due(now_ns) {
            match valve.turn(now_ns, kernel.meter()?) {
                Turn::Open => {
                    self.sees_audits = true;
                    for (pid, build) in &self.hooked {
                        // A process that has just ended is none that something is missed of.
                        let _ = kernel.hook_audits(*pid, &build.open_path(), &EffectSites::of(build));
                    }
                }
                Turn::Close => {
                    self.sees_audits = false;
                    kernel.unhook_audits();
                    watch.audits_are_unseen(TOO_MANY);
                }
                Turn::Stay => {}
            }
        }
        Ok(Some(valve.due_ns()))
    }

    /// Adds up what was counted since the last account. Why not all was seen of late, if so.
    pub(super) fn account(
        &mut self,
        kernel: &Kernel,
        watch: &mut Watch,
        observer: &mut Observer,
    ) -> Result<Option<String>, HookError> {
        let counted = kernel.effects()?;
        let new = |(key, count): &(EffectKey, EffectCount)| {
            let before = self.told.get(key).copied().unwrap_or_default();
            let seen = count.seen.saturating_sub(before.seen);
            let sampled = count.sampled.saturating_sub(before.sampled);
            (seen + sampled > 0).then_some((*key, EffectCount { seen, sampled }))
        };
        watch.count_effects(&counted.iter().filter_map(new).collect::<Vec<_>>());
        if self.given_up {
            let net_ns = observer.net_ns(kernel)?;
            watch.count_unwatched(&self.unwatched.take(net_ns, &counted));
            watch.shortcuts_are_unseen("there were too many for the budget");
        }
        let counted_mutations = kernel.mutations()?;
        let new = |(key, count): &(MutationKey, u64)| {
            let before = self.told_mutations.get(key).copied().unwrap_or(0);
            (*count > before).then(|| (*key, count.saturating_sub(before)))
        };
        watch.count_mutations(&counted_mutations.iter().filter_map(new).collect::<Vec<_>>());
        self.told_mutations = counted_mutations.into_iter().collect();
        self.told = counted.into_iter().collect();
        let unwatched = self.valve.as_ref().and_then(|valve| valve.unwatched(monotonic_ns()));
        Ok(unwatched.map(|(closed, all)| {
            let [closed, all] = [closed, all].map(|time| time.as_secs_f64());
            format!("system calls were too many for the budget: not watched for {closed:.1} s of {all:.1} s")
        }))
    }

    /// Process `pid` runs or is about to run this build; what was found out last is right.
    pub(super) fn add(
        &mut self,
        kernel: &mut Kernel,
        watch: &mut Watch,
        pid: u32,
        build: &Arc<Build>,
    ) -> anyhow::Result<()> {
        let known = self.hooked.get(&pid).map(|known| file_of(known)).transpose()?;
        if known != Some(file_of(build)?) {
            self.remove(kernel, pid);
            let sites = EffectSites::of(build);
            kernel.hook_happenings(pid, &build.open_path(), &sites)?;
            if self.sees_audits {
                kernel.hook_audits(pid, &build.open_path(), &sites)?;
            }
            watch.effects_are_hooked(&sites);
            self.hooked.insert(pid, Arc::clone(build));
            if self.sees_frequent {
                kernel.hook_frequent(pid, &build.open_path(), &sites)?;
                watch.assignments_are_hooked(&sites);
            }
        }
        self.watch_shortcuts(kernel, watch, pid);
        Ok(())
    }

    /// Watches what process `pid` does without a system call, once its C library is there.
    fn watch_shortcuts(&mut self, kernel: &mut Kernel, watch: &mut Watch, pid: u32) {
        if self.given_up || self.shortcuts.contains(&pid) {
            return;
        }
        if let Some((library, functions)) = find_shortcuts(pid) {
            let number =
                |name| syscalls().iter().find(|syscall| syscall.name == name).map(|found| found.number);
            let functions: Vec<(u64, u32)> =
                functions.into_iter().filter_map(|(name, offset)| Some((offset, number(name)?))).collect();
            let path = PathBuf::from(format!("/proc/self/fd/{}", library.file().as_raw_fd()));
            self.waiting.remove(&pid);
            match kernel.hook_shortcuts(pid, &path, &functions) {
                Ok(()) => _ = self.shortcuts.insert(pid),
                Err(refused) if watch.runs(pid) => watch.shortcuts_are_unseen(&one_line(&refused)),
                Err(_ended) => {}
            }
            return;
        }
        let tries = self.waiting.entry(pid).or_default();
        *tries += 1;
        if *tries > MAX_TRIES {
            self.waiting.remove(&pid);
            watch.shortcuts_are_unseen("the C library was not found");
        }
    }

    /// Process `pid` has ended.
    pub(super) fn remove(&mut self, kernel: &mut Kernel, pid: u32) {
        self.hooked.remove(&pid);
        self.shortcuts.remove(&pid);
        self.waiting.remove(&pid);
        kernel.unhook_effects(pid);
    }
}

/// The file that a build is in, by device and inode.
fn file_of(build: &Build) -> anyhow::Result<(u64, u64)> {
    let file = build.elf.file().metadata().context("failed to identify the interpreter's file")?;
    Ok((file.dev(), file.ino()))
}

/// Watches system calls. Whether it can be done.
fn open(kernel: &mut Kernel, watch: &mut Watch) -> bool {
    let wanted = syscalls().iter().map(|syscall| (syscall.number, syscall.look)).chain(growth());
    let watched = kernel.watch_syscalls(wanted);
    let watched = watched.inspect_err(|refused| watch.syscalls_are_unseen(&one_line(refused))).is_ok();
    watch.allocations_seen.growth |= watched;
    watch.effects_seen.syscalls |= watched;
    watched
}
