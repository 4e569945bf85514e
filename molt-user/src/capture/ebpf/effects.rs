//! The probes that see what programs do to the world, and the table that they count in.

use super::attach::AttachError;
use super::calls::HookError;
use super::load::{Kernel, LoadError, take_map};
use super::maps::MapValue;
use super::uprobes::{Place, Scope};
use super::urgent::remove;
use crate::cpython::effect_sites::{EffectSites, Source, Spot};
use aya::Ebpf;
use aya::maps::{Array, HashMap, MapData};
use aya::programs::raw_trace_point::RawTracePointLink;
use aya::programs::{ProgramError, RawTracePoint};
use molt_common::effect::{EffectCount, EffectKey, MAX_SYSCALLS};
use molt_common::mutation::MutationKey;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The program that sees system calls.
const SYSCALL: &str = "syscall_enter";

/// What these probes need of the kernel side.
pub(super) struct Effects {
    counts: HashMap<MapData, MapValue<EffectKey>, MapValue<EffectCount>>,
    syscalls: Array<MapData, u8>,
    mutations: HashMap<MapData, MapValue<MutationKey>, u64>,
    links: BTreeMap<u32, Vec<OwnedFd>>,
    /// What sees audit events.
    audits: BTreeMap<u32, Vec<OwnedFd>>,
    /// What sees assignments to attributes and the ends of imports.
    frequent: BTreeMap<u32, Vec<OwnedFd>>,
    /// What sees functions that do without a system call.
    shortcuts: BTreeMap<u32, Vec<OwnedFd>>,
    /// The tracepoint of system calls, where it is watched.
    tracepoint: Option<RawTracePointLink>,
}

impl Effects {
    /// Takes the tables.
    pub(super) fn new(ebpf: &mut Ebpf) -> Result<Self, LoadError> {
        Ok(Self {
            counts: take_map!(ebpf, "EFFECTS", HashMap)?,
            syscalls: take_map!(ebpf, "SYSCALLS", Array)?,
            mutations: take_map!(ebpf, "MUTATIONS", HashMap)?,
            links: BTreeMap::new(),
            audits: BTreeMap::new(),
            frequent: BTreeMap::new(),
            shortcuts: BTreeMap::new(),
            tracepoint: None,
        })
    }
}

impl Effects {
    /// Every link that is in place.
    pub(super) fn take_links(&mut self) -> impl Iterator<Item = OwnedFd> {
        let all = [&mut self.links, &mut self.frequent, &mut self.audits, &mut self.shortcuts];
        all.map(std::mem::take).into_iter().flat_map(BTreeMap::into_values).flatten()
    }
}

impl Kernel {
    /// Reports the imports and collections of process `pid`, which runs or is about to run the file `path`.
    pub fn hook_happenings(&mut self, pid: u32, path: &Path, sites: &EffectSites) -> Result<(), HookError> {
        // Ends first: what is seen to begin must be seen to end.
        let programs: [(&str, &Source); 4] = [
            ("import_done", &sites.import_done),
            ("import_start", &sites.import_start),
            ("gc_done", &sites.gc_done),
            ("gc_start", &sites.gc_start),
        ];
        for (name, source) in programs {
            let links = self.hook_source(name, pid, path, source)?;
            self.effects.links.entry(pid).or_default().extend(links);
        }
        Ok(())
    }

    /// Counts the audit events of process `pid`, which runs or is about to run the file `path`.
    pub fn hook_audits(&mut self, pid: u32, path: &Path, sites: &EffectSites) -> Result<(), HookError> {
        let links = self.hook_source("audit", pid, path, &sites.audit)?;
        self.effects.audits.entry(pid).or_default().extend(links);
        Ok(())
    }

    /// Counts no audit events any more.
    pub fn unhook_audits(&mut self) {
        remove(std::mem::take(&mut self.effects.audits).into_values().flatten());
    }

    /// Runs a program where `source` has its places in the file `path`, if it has any.
    fn hook_source(
        &self,
        program: &'static str,
        pid: u32,
        path: &Path,
        source: &Source,
    ) -> Result<Vec<OwnedFd>, HookError> {
        let spots = source.spots();
        if spots.is_empty() {
            return Ok(Vec::new());
        }
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_nul| HookError::Path)?;
        let library = self.library.as_ref().ok_or(HookError::Unprepared)?;
        let place = |spot: &Spot| Place { offset: spot.offset, cookie: spot.cookie };
        let places: Vec<Place> = spots.iter().map(place).collect();
        let semaphores: Vec<u64> = spots.iter().map(|spot| spot.semaphore).collect();
        let here = Scope { pid: Some(pid), returns: false };
        let program = library.program(program)?;
        Ok(program.attach_raising(&path, &places, &semaphores, here)?)
    }

    /// Counts the assignments of process `pid`, which runs or is about to run the file `path`, to attributes of
    /// modules, and reports the ends of its imports where they have no probe of their own.
    pub fn hook_frequent(&mut self, pid: u32, path: &Path, sites: &EffectSites) -> Result<(), HookError> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_nul| HookError::Path)?;
        let library = self.library.as_ref().ok_or(HookError::Unprepared)?;
        let mut links = Vec::new();
        if let Some(offset) = sites.import_return {
            let scope = Scope { pid: Some(pid), returns: true };
            let program = library.program("import_return")?;
            links.extend(program.attach(&path, &[Place { offset, cookie: 0 }], scope)?);
        }
        let place = |(offset, cookie): &(u64, u64)| Place { offset: *offset, cookie: *cookie };
        let places: Vec<Place> = sites.setters.iter().map(place).collect();
        if !places.is_empty() {
            let scope = Scope { pid: Some(pid), returns: false };
            links.extend(library.program("assign")?.attach(&path, &places, scope)?);
        }
        self.effects.frequent.entry(pid).or_default().extend(links);
        Ok(())
    }

    /// Sees no assignments and no ends of imports any more.
    pub fn unhook_frequent(&mut self) {
        remove(std::mem::take(&mut self.effects.frequent).into_values().flatten());
    }

    /// Every assignment counted so far.
    pub fn mutations(&self) -> Result<Vec<(MutationKey, u64)>, HookError> {
        let entries = self.effects.mutations.iter().map(|entry| entry.map(|(key, count)| (key.0, count)));
        entries.collect::<Result<_, _>>().map_err(|source| HookError::Map { map: "MUTATIONS", source })
    }

    /// Counts what process `pid` does by functions of the file `path` without a system call: each by its offset, with
    /// the number of the system call that it stands for.
    pub fn hook_shortcuts(
        &mut self,
        pid: u32,
        path: &Path,
        functions: &[(u64, u32)],
    ) -> Result<(), HookError> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_nul| HookError::Path)?;
        let library = self.library.as_ref().ok_or(HookError::Unprepared)?;
        let place = |(offset, number): &(u64, u32)| Place { offset: *offset, cookie: u64::from(*number) };
        let places: Vec<Place> = functions.iter().map(place).collect();
        let here = Scope { pid: Some(pid), returns: false };
        let links = library.program("shortcut")?.attach(&path, &places, here)?;
        self.effects.shortcuts.insert(pid, links);
        Ok(())
    }

    /// Counts no such functions any more.
    pub fn unhook_shortcuts(&mut self) {
        remove(std::mem::take(&mut self.effects.shortcuts).into_values().flatten());
    }

    /// Counts process `pid`'s effects no more.
    pub fn unhook_effects(&mut self, pid: u32) {
        let effects = &mut self.effects;
        let all = [&mut effects.links, &mut effects.frequent, &mut effects.audits, &mut effects.shortcuts];
        remove(all.into_iter().filter_map(|links| links.remove(&pid)).flatten());
    }

    /// Counts those system calls of traced processes that `wanted` names by number, each with where its flags are.
    pub fn watch_syscalls(&mut self, wanted: impl Iterator<Item = (u32, u8)>) -> Result<(), AttachError> {
        for (number, look) in wanted.filter(|(number, _)| *number < MAX_SYSCALLS) {
            let set = self.effects.syscalls.set(number, look, 0);
            set.map_err(|source| LoadError::Map { map: "SYSCALLS", source })?;
        }
        let refused = |source: ProgramError| LoadError::program(SYSCALL, source);
        let program: &mut RawTracePoint = self.program(SYSCALL)?;
        if program.fd().is_err() {
            program.load().map_err(refused)?;
        }
        let link = program.attach("sys_enter").and_then(|link| program.take_link(link)).map_err(refused)?;
        self.effects.tracepoint = Some(link);
        Ok(())
    }

    /// Counts system calls no more. Every one of them is quicker then.
    pub fn ignore_syscalls(&mut self) {
        self.effects.tracepoint = None;
    }

    /// Every effect counted so far.
    pub fn effects(&self) -> Result<Vec<(EffectKey, EffectCount)>, HookError> {
        let entries = self.effects.counts.iter().map(|entry| entry.map(|(key, count)| (key.0, count.0)));
        entries.collect::<Result<_, _>>().map_err(|source| HookError::Map { map: "EFFECTS", source })
    }
}
