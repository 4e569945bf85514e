//! The probes that see requests of memory, and the table that they count in.

use super::calls::HookError;
use super::load::{Kernel, LoadError, take_map};
use super::maps::MapValue;
use super::uprobes::{Place, Scope};
use super::urgent::remove;
use crate::cpython::allocator::AllocationSites;
use aya::Ebpf;
use aya::maps::{Array, HashMap, MapData};
use molt_common::allocation::{Allocated, AllocationKey};
use molt_common::call::Gate;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What these probes need of the kernel side.
pub(super) struct Allocations {
    counts: HashMap<MapData, MapValue<AllocationKey>, MapValue<Allocated>>,
    gate: Array<MapData, MapValue<Gate>>,
    links: BTreeMap<u32, Vec<OwnedFd>>,
}

impl Allocations {
    /// Takes the tables.
    pub(super) fn new(ebpf: &mut Ebpf) -> Result<Self, LoadError> {
        Ok(Self {
            counts: take_map!(ebpf, "ALLOCATIONS", HashMap)?,
            gate: take_map!(ebpf, "ALLOCATION_GATE", Array)?,
            links: BTreeMap::new(),
        })
    }

    /// Every link that is in place.
    pub(super) fn take_links(&mut self) -> impl Iterator<Item = OwnedFd> {
        std::mem::take(&mut self.links).into_values().flatten()
    }
}

impl Kernel {
    /// Sees the requests of memory of process `pid`, which runs the file `path`, as far as they are granted.
    pub fn hook_allocations(
        &mut self,
        pid: u32,
        path: &Path,
        sites: &AllocationSites,
    ) -> Result<(), HookError> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_nul| HookError::Path)?;
        let library = self.library.as_ref().ok_or(HookError::Unprepared)?;
        let places: Vec<Place> = sites
            .sites
            .iter()
            .map(|place| Place { offset: place.file_offset, cookie: place.site.cookie() })
            .collect();
        let scope = Scope { pid: Some(pid), returns: false };
        let links = library.program("allocate")?.attach(&path, &places, scope)?;
        self.allocations.links.insert(pid, links);
        Ok(())
    }

    /// Takes all of these probes away. The kernel waits for those that are being hit in the background.
    pub fn unhook_allocations(&mut self) {
        remove(self.allocations.take_links());
    }

    /// Lets so many requests be counted.
    pub fn grant_allocations(&mut self, hits: u64) -> Result<(), HookError> {
        let left = i64::try_from(hits).unwrap_or(i64::MAX);
        let gate = &mut self.allocations.gate;
        gate.set(0, MapValue(Gate { left }), 0)
            .map_err(|source| HookError::Map { map: "ALLOCATION_GATE", source })
    }

    /// Whether requests may still be counted.
    pub fn allocations_granted(&self) -> Result<bool, HookError> {
        let gate = self.allocations.gate.get(&0, 0);
        gate.map(|MapValue(gate)| gate.left > 0)
            .map_err(|source| HookError::Map { map: "ALLOCATION_GATE", source })
    }

    /// Everything counted so far.
    pub fn allocations(&self) -> Result<BTreeMap<AllocationKey, Allocated>, HookError> {
        let entries = self.allocations.counts.iter().map(|entry| entry.map(|(key, sum)| (key.0, sum.0)));
        entries.collect::<Result<_, _>>().map_err(|source| HookError::Map { map: "ALLOCATIONS", source })
    }
}
