//! The probes that see what programs do to the world, and the table that they count in.

use super::calls::HookError;
use super::load::{Kernel, LoadError, take_map};
use super::maps::MapValue;
use super::uprobe_multi::{Place, Scope};
use crate::cpython::effect_sites::{EffectSites, Source, Spot};
use aya::Ebpf;
use aya::maps::{HashMap, MapData};
use molt_common::effect::{EffectCount, EffectKey};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;

/// What these probes need of the kernel side.
pub(super) struct Effects {
    counts: HashMap<MapData, MapValue<EffectKey>, MapValue<EffectCount>>,
    links: BTreeMap<u32, Vec<OwnedFd>>,
}

impl Effects {
    /// Takes the tables.
    pub(super) fn new(ebpf: &mut Ebpf) -> Result<Self, LoadError> {
        Ok(Self { counts: take_map!(ebpf, "EFFECTS", HashMap)?, links: BTreeMap::new() })
    }
}

impl Kernel {
    /// Counts the effects of process `pid`, which runs or is about to run the file `path`, and reports its imports and
    /// collections.
    pub fn hook_effects(&mut self, pid: u32, path: &Path, sites: &EffectSites) -> Result<(), HookError> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_nul| HookError::Path)?;
        let prepared = self.prepared.as_ref().ok_or(HookError::Unprepared)?;
        let here = Scope { pid: Some(pid), returns: false };
        // Ends first: what is seen to begin must be seen to end.
        let programs: [(&str, &Source); 1] = [("audit", &sites.audit)];
        let mut links = Vec::new();
        for (name, source) in programs {
            let spots = source.spots();
            if spots.is_empty() {
                continue;
            }
            let places: Vec<Place> = spots
                .iter()
                .map(|Spot { offset, cookie, .. }| Place { offset: *offset, cookie: *cookie })
                .collect();
            let semaphores: Vec<u64> = spots.iter().map(|spot| spot.semaphore).collect();
            let program = self.calls.program(name, prepared)?;
            links.push(program.attach_raising(&path, &places, &semaphores, here)?);
        }
        self.effects.links.entry(pid).or_default().extend(links);
        Ok(())
    }

    /// Counts process `pid`'s effects no more.
    pub fn unhook_effects(&mut self, pid: u32) {
        for link in self.effects.links.remove(&pid).into_iter().flatten() {
            // Without a thread it is closed here, which takes longer.
            let _ = thread::Builder::new().name("molt-unhook".to_owned()).spawn(move || drop(link));
        }
    }

    /// Every effect counted so far.
    pub fn effects(&self) -> Result<Vec<(EffectKey, EffectCount)>, HookError> {
        let entries = self.effects.counts.iter().map(|entry| entry.map(|(key, count)| (key.0, count.0)));
        entries.collect::<Result<_, _>>().map_err(|source| HookError::Map { map: "EFFECTS", source })
    }
}
