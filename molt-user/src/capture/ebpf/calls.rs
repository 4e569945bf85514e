//! The probes that see calls, and the tables that they count in.

use super::library::Library;
use super::load::{Kernel, LoadError, take_map};
use super::maps::MapValue;
use super::uprobes::{Place, Scope, UprobeError};
use super::urgent::remove;
use crate::cpython::sites::{HookSites, Kind};
use aya::maps::{Array, HashMap, MapData, MapError, PerCpuArray};
use aya::{Ebpf, Pod};
use molt_common::call::{
    CallKey, FrameKey, Gate, Meter, NO_REGISTER, OpenCall, Site, SiteKey, UNLIMITED, salted,
};
use molt_common::plan::Plans;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The registers of a function's first and second argument by number (System V ABI): `rdi` and `rsi`.
const FIRST_ARGUMENT: u8 = 7;
const SECOND_ARGUMENT: u8 = 6;

/// What call probes need of the kernel side.
pub(super) struct Calls {
    open: HashMap<MapData, MapValue<FrameKey>, MapValue<OpenCall>>,
    counts: HashMap<MapData, MapValue<CallKey>, u64>,
    undetailed: HashMap<MapData, MapValue<SiteKey>, u64>,
    active: HashMap<MapData, MapValue<FrameKey>, u64>,
    meter: PerCpuArray<MapData, MapValue<Meter>>,
    gate: Array<MapData, MapValue<Gate>>,
    plans: HashMap<MapData, u32, MapValue<Plans>>,
    kinds: HashMap<MapData, u64, u32>,
    links: BTreeMap<u32, Vec<OwnedFd>>,
    /// What the meter showed when the run began.
    pub(super) measured: Meter,
}

/// Why calls cannot be hooked.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The object holds no such programs.
    #[error("failed to prepare the call probes")]
    Unprepared,
    /// The interpreter's file has a name that no kernel takes.
    #[error("failed to name the interpreter's file")]
    Path,
    /// The kernel refused.
    #[error(transparent)]
    Refused(#[from] UprobeError),
    /// A table could not be read or written.
    #[error("failed to access eBPF map {map}")]
    Map {
        /// The map's name.
        map: &'static str,
        /// The kernel's answer.
        #[source]
        source: MapError,
    },
}

impl Calls {
    /// Takes the tables.
    pub(super) fn new(ebpf: &mut Ebpf) -> Result<Self, LoadError> {
        Ok(Self {
            open: take_map!(ebpf, "OPEN", HashMap)?,
            counts: take_map!(ebpf, "CALLS", HashMap)?,
            undetailed: take_map!(ebpf, "UNDETAILED", HashMap)?,
            active: take_map!(ebpf, "ACTIVE", HashMap)?,
            meter: take_map!(ebpf, "METER", PerCpuArray)?,
            gate: take_map!(ebpf, "GATE", Array)?,
            plans: take_map!(ebpf, "PLANS", HashMap)?,
            kinds: take_map!(ebpf, "KINDS", HashMap)?,
            links: BTreeMap::new(),
            measured: Meter::default(),
        })
    }

    /// Every link that is in place.
    pub(super) fn take_links(&mut self) -> impl Iterator<Item = OwnedFd> {
        std::mem::take(&mut self.links).into_values().flatten()
    }

    fn hook(&mut self, pid: u32, path: &CStr, sites: &HookSites, all: &Library) -> Result<(), UprobeError> {
        let here = Scope { pid: Some(pid), returns: false };
        let mut links = Vec::new();
        // Ends first: a call that is seen to begin must be seen to end.
        if let Some(offset) = sites.trace_back_here {
            links.extend(all.program("call_raise")?.attach(path, &[Place { offset, cookie: 0 }], here)?);
        }
        match &sites.exit {
            Ok(exit) if sites.kind == Kind::EvalFrame => {
                let place = Place { offset: exit.file_offset, cookie: 0 };
                let scope = Scope { returns: true, ..here };
                links.extend(all.program("call_return")?.attach(path, &[place], scope)?);
            }
            Ok(exit) => {
                let frame = exit.frame_argument.map_or(SECOND_ARGUMENT, |register| register.0);
                // The thread state is the argument before the frame.
                let tstate = if frame == SECOND_ARGUMENT { FIRST_ARGUMENT } else { NO_REGISTER };
                let cookie = Site { frame, further: tstate, opcodes: [0; 2], resume_mask: 0 }.cookie();
                let place = Place { offset: exit.file_offset, cookie };
                links.extend(all.program("call_leave")?.attach(path, &[place], here)?);
            }
            Err(_unknown) => {}
        }
        links.extend(all.program("call_enter")?.attach(path, &entries(sites), here)?);
        self.links.entry(pid).or_default().extend(links);
        Ok(())
    }
}

/// The places where calls are seen.
fn entries(sites: &HookSites) -> Vec<Place> {
    let quick = sites.entry.iter().filter_map(|site| site.opcode).find(|(_, name)| *name == "RESUME_QUICK");
    let place = |site: &crate::cpython::sites::EntrySite| {
        let opcode = site.opcode.map_or(0, |(opcode, _)| opcode);
        // 3.11's RESUME quickens itself while it is executed.
        let other = quick.filter(|_| site.opcode.is_some_and(|(_, name)| name == "RESUME"));
        let opcodes = [opcode, other.map_or(opcode, |(quick, _)| quick)];
        let frame = site.frame_register.0;
        let further = site.throw_register.map_or(NO_REGISTER, |register| register.0);
        let site_of = Site { frame, further, opcodes, resume_mask: sites.resume_mask };
        Place { offset: site.file_offset, cookie: site_of.cookie() }
    };
    sites.entry.iter().map(place).collect()
}

/// What the tables hold.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Tuples with their counts.
    pub calls: Vec<(CallKey, u64)>,
    /// Calls that have begun and not ended.
    pub open: Vec<CallKey>,
    /// Calls that were counted by site only.
    pub undetailed: Vec<(SiteKey, u64)>,
}

impl Counted {
    /// Without what was counted `before` already, in an earlier state of the same tables.
    #[must_use]
    pub fn since(self, before: &Self) -> Self {
        Self {
            calls: less(self.calls, &before.calls),
            open: self.open,
            undetailed: less(self.undetailed, &before.undetailed),
        }
    }
}

fn less<K: Ord + Copy>(now: Vec<(K, u64)>, before: &[(K, u64)]) -> Vec<(K, u64)> {
    let before: BTreeMap<K, u64> = before.iter().copied().collect();
    let new = |(key, count): (K, u64)| (key, count - before.get(&key).map_or(0, |had| count.min(*had)));
    now.into_iter().map(new).filter(|(_, count)| *count > 0).collect()
}

impl Kernel {
    /// Counts the calls of process `pid`, which runs or is about to run the file `path`.
    pub fn hook_calls(&mut self, pid: u32, path: &Path, sites: &HookSites) -> Result<(), HookError> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_nul| HookError::Path)?;
        let library = self.library.as_ref().ok_or(HookError::Unprepared)?;
        Ok(self.calls.hook(pid, &path, sites, library)?)
    }

    /// Counts process `pid`'s calls no more.
    pub fn unhook_calls(&mut self, pid: u32) {
        remove(self.calls.links.remove(&pid).into_iter().flatten());
    }

    /// Copies objects of `program` as `plans` say.
    pub fn plan(&mut self, program: u32, plans: &Plans) -> Result<(), HookError> {
        self.calls
            .plans
            .insert(program, MapValue(*plans), 0)
            .map_err(|source| HookError::Map { map: "PLANS", source })
    }

    /// Copies instances of the type at `packed` of `program` as containers of `kind`, one of
    /// [`molt_common::container::kind`].
    pub fn kind(&mut self, program: u32, packed: u64, kind: u32) -> Result<(), HookError> {
        self.calls
            .kinds
            .insert(salted(packed, program), kind, 0)
            .map_err(|source| HookError::Map { map: "KINDS", source })
    }

    /// Lets so many more hits be counted; all of them if `None`.
    pub fn grant(&mut self, hits: Option<u64>) -> Result<(), HookError> {
        let left = hits.map_or(UNLIMITED, |hits| i64::try_from(hits).unwrap_or(UNLIMITED));
        self.calls
            .gate
            .set(0, MapValue(Gate { left }), 0)
            .map_err(|source| HookError::Map { map: "GATE", source })
    }

    /// How many hits may still be counted, none of them if 0 or less.
    pub fn left(&self) -> Result<i64, HookError> {
        let gate = self.calls.gate.get(&0, 0);
        gate.map(|MapValue(gate)| gate.left).map_err(|source| HookError::Map { map: "GATE", source })
    }

    /// What call probes and samples did so far, over all processors.
    pub fn meter(&self) -> Result<Meter, HookError> {
        let each = self.calls.meter.get(&0, 0).map_err(|source| HookError::Map { map: "METER", source })?;
        let sum = each.iter().fold(Meter::default(), |sum, MapValue(one)| sum.plus(*one));
        Ok(sum.since(self.calls.measured))
    }

    /// Everything counted so far.
    pub fn counted(&self) -> Result<Counted, HookError> {
        let calls = &self.calls;
        let refused = |map| move |source| HookError::Map { map, source };
        let counts = calls.counts.iter().map(|entry| entry.map(|(key, count)| (key.0, count)));
        let mut counts: Vec<_> = counts.collect::<Result<_, _>>().map_err(refused("CALLS"))?;
        let (mut open, mut uncounted) = (Vec::new(), BTreeMap::new());
        for entry in &calls.open {
            let (_, MapValue(place)) = entry.map_err(refused("OPEN"))?;
            // Places whose call is over are kept for the next one.
            if place.is_open() {
                open.push(place.key);
            }
            if place.uncounted > 0 {
                *uncounted.entry(place.ended_key()).or_default() += u64::from(place.uncounted);
            }
        }
        for (key, count) in &mut counts {
            *count += uncounted.remove(key).unwrap_or(0);
        }
        counts.extend(uncounted);
        let undetailed = calls.undetailed.iter().map(|entry| entry.map(|(key, count)| (key.0, count)));
        Ok(Counted {
            calls: counts,
            open,
            undetailed: undetailed.collect::<Result<_, _>>().map_err(refused("UNDETAILED"))?,
        })
    }

    /// Everything counted so far, which is counted no more: no probe may be in place. Calls that have not ended will
    /// not be seen to end.
    pub fn take_counted(&mut self) -> Result<Counted, HookError> {
        let counted = self.counted()?;
        let calls = &mut self.calls;
        clear(&mut calls.counts, "CALLS")?;
        clear(&mut calls.undetailed, "UNDETAILED")?;
        clear(&mut calls.open, "OPEN")?;
        clear(&mut calls.active, "ACTIVE")?;
        Ok(counted)
    }
}

/// Removes every entry.
fn clear<K: Pod, V: Pod>(table: &mut HashMap<MapData, K, V>, map: &'static str) -> Result<(), HookError> {
    let keys: Vec<K> =
        table.keys().collect::<Result<_, _>>().map_err(|source| HookError::Map { map, source })?;
    for key in keys {
        match table.remove(&key) {
            Ok(()) | Err(MapError::KeyNotFound) => {}
            Err(source) => return Err(HookError::Map { map, source }),
        }
    }
    Ok(())
}
