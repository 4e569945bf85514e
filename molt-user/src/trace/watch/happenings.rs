//! Imports and collections of garbage: from their beginnings and ends to events.

use super::Watch;
use molt_common::event::happening::{Collection, Import};
use molt_common::event::{Header, KIND_GC_START, KIND_IMPORT_START};
use molt_mpa::model::EventKind;
use molt_mpa::quantity::Millis;
use std::collections::BTreeMap;

/// Most events of these kinds that are kept; the artifact keeps fewer still.
const MAX_EVENTS: usize = 200_000;
/// Most imports of one thread that have begun and not ended.
const MAX_NESTED: usize = 1_000;

/// What has begun and not ended, by thread.
#[derive(Debug, Default)]
pub(super) struct Happenings {
    imports: BTreeMap<u32, Vec<(String, u64)>>,
    collections: BTreeMap<u32, (u32, u64)>,
    count: usize,
}

impl Happenings {
    /// There is room for as many as at the beginning.
    pub(super) fn begin_anew(&mut self) {
        self.count = 0;
    }
}

impl Watch {
    pub(super) fn import(&mut self, import: &Import) {
        let Header { kind, pid, tid, time_ns, .. } = import.header;
        let name = import.name.split(|byte| *byte == 0).next().unwrap_or_default();
        let module = String::from_utf8_lossy(name).into_owned();
        let begun = self.happenings.imports.entry(tid).or_default();
        if kind == KIND_IMPORT_START {
            if begun.len() < MAX_NESTED {
                begun.push((module, time_ns));
            }
            return;
        }
        // An import whose end was lost ends with the one that it is a part of.
        let Some(at) = begun.iter().rposition(|(name, _)| *name == module) else { return };
        let began_ns = begun.get(at).map_or(time_ns, |(_, began_ns)| *began_ns);
        begun.truncate(at);
        let duration_ms = Some(Millis::from_nanos(time_ns.saturating_sub(began_ns)));
        let succeeded = Some(import.found != 0);
        self.happened(pid, began_ns, EventKind::Import { module, duration_ms, succeeded });
    }

    pub(super) fn collection(&mut self, collection: &Collection) {
        let Header { kind, pid, tid, time_ns, .. } = collection.header;
        if kind == KIND_GC_START {
            let generation = u32::try_from(collection.number).unwrap_or(0);
            self.happenings.collections.insert(tid, (generation, time_ns));
            return;
        }
        let Some((generation, began_ns)) = self.happenings.collections.remove(&tid) else { return };
        let duration_ms = Some(Millis::from_nanos(time_ns.saturating_sub(began_ns)));
        let collected = u64::try_from(collection.number).ok();
        self.happened(pid, began_ns, EventKind::Gc { generation, collected, duration_ms });
    }

    /// Imports that have begun and of whose end nothing was seen, where ends are not seen at all.
    pub(super) fn imported(&mut self, import: &Import) {
        let Header { pid, time_ns, .. } = import.header;
        let name = import.name.split(|byte| *byte == 0).next().unwrap_or_default();
        let module = String::from_utf8_lossy(name).into_owned();
        self.happened(pid, time_ns, EventKind::Import { module, duration_ms: None, succeeded: None });
    }

    fn happened(&mut self, pid: u32, time_ns: u64, what: EventKind) {
        if self.happenings.count == MAX_EVENTS {
            return self.lose("further_event");
        }
        self.happenings.count += 1;
        let at = self.since(time_ns);
        self.processes.event(pid, at, what);
    }
}
