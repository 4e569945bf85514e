//! Imports and collections of garbage: from their beginnings and ends to events.

use super::Watch;
use crate::symbolize::collections::{Collected, GENERATIONS};
use crate::trace::subject::Subject;
use molt_common::event::happening::{Collection, Import, Returned};
use molt_common::event::{Header, KIND_GC_START, KIND_IMPORT, KIND_IMPORT_DONE, KIND_IMPORT_START};
use molt_mpa::model::EventKind;
use molt_mpa::quantity::Millis;
use std::collections::BTreeMap;
use std::ops::BitAndAssign;

/// Most events of these kinds that are kept; the artifact keeps fewer still.
const MAX_EVENTS: usize = 200_000;
/// Most imports of one thread that have begun and not ended.
const MAX_NESTED: usize = 1_000;

/// What has begun and not ended, by thread.
#[derive(Debug, Default)]
pub(super) struct Happenings {
    imports: BTreeMap<u32, Vec<Begun>>,
    collections: BTreeMap<u32, (u32, u64)>,
    /// Collections are seen one by one.
    sees_collections: bool,
    /// So are those of every process, with their ends; `None` before the first process.
    times_collections: Option<bool>,
    /// How long those on the open page took, in nanoseconds.
    pub(super) collecting_ns: u64,
    /// The ends of imports are seen that have no probe of their own.
    pub(super) sees_ends: bool,
    count: usize,
}

/// An import under way.
#[derive(Debug)]
struct Begun {
    pid: u32,
    module: String,
    /// The one that it is within was told of under this name already.
    is_same: bool,
    began_ns: u64,
    /// How long the imports within it took.
    inner_ns: u64,
}

impl Happenings {
    /// There is room for as many as at the beginning.
    pub(super) fn begin_anew(&mut self) {
        self.count = 0;
    }

    /// Whether process `pid` imports `module` now.
    pub(super) fn imports(&self, pid: u32, module: &str) -> bool {
        self.imports.values().flatten().any(|begun| begun.pid == pid && begun.module == module)
    }
}

impl Watch {
    /// An import begins or ends.
    pub(super) fn import(&mut self, import: &Import) {
        let Header { kind, pid, tid, time_ns, .. } = import.header;
        let name = import.name.split(|byte| *byte == 0).next().unwrap_or_default();
        let module = match String::from_utf8_lossy(name) {
            name if name.is_empty() => "?".to_owned(),
            name => name.into_owned(),
        };
        if kind == KIND_IMPORT_DONE {
            // An import whose end was lost ends with the one that it is a part of.
            let begun = self.happenings.imports.get(&tid).map_or(&[][..], Vec::as_slice);
            let Some(at) = begun.iter().rposition(|begun| begun.module == module) else { return };
            return self.end_imports(tid, at, time_ns, import.found != 0);
        }
        let begun = self.happenings.imports.entry(tid).or_default();
        // What loads an extension module raises the same event again.
        let is_same = kind == KIND_IMPORT && begun.last().is_some_and(|outer| outer.module == module);
        begun.push(Begun { pid, is_same, module, began_ns: time_ns, inner_ns: 0 });
        let has_end = kind == KIND_IMPORT_START || self.happenings.sees_ends;
        if !has_end || begun.len() > MAX_NESTED {
            self.leave_import(tid);
        }
    }

    /// The innermost imports of a thread end.
    pub(super) fn returned(&mut self, returned: &Returned) {
        let Header { tid, time_ns, .. } = returned.header;
        let begun = self.happenings.imports.get(&tid).map_or(0, Vec::len);
        let ended = usize::try_from(returned.imports).unwrap_or(usize::MAX).min(begun);
        if ended > 0 {
            self.end_imports(tid, begun - ended, time_ns, returned.found != 0);
        }
    }

    /// The import at place `at` of a thread's has ended, and with it those within, of whose ends nothing is known.
    fn end_imports(&mut self, tid: u32, at: usize, time_ns: u64, found: bool) {
        let Some(begun) = self.happenings.imports.get_mut(&tid) else { return };
        let mut ended = begun.drain(at.min(begun.len())..).collect::<Vec<_>>().into_iter();
        let Some(outer) = ended.next() else { return };
        let lasted_ns = time_ns.saturating_sub(outer.began_ns);
        if let Some(parent) = begun.last_mut() {
            parent.inner_ns = parent.inner_ns.saturating_add(lasted_ns);
        }
        let what = EventKind::Import {
            module: outer.module,
            duration_ms: Some(Millis::from_nanos(lasted_ns)),
            self_ms: Some(Millis::from_nanos(lasted_ns.saturating_sub(outer.inner_ns))),
            succeeded: Some(found),
        };
        if begun.is_empty()
            && let Some(reader) = self.subjects.get_mut(&outer.pid).and_then(Subject::reader)
        {
            reader.looks.imported(time_ns);
        }
        if !outer.is_same {
            self.happened(outer.pid, outer.began_ns, what);
        }
        ended.for_each(|inner| self.endless(inner));
    }

    /// Nothing more will be known of a thread's innermost import.
    fn leave_import(&mut self, tid: u32) {
        if let Some(left) = self.happenings.imports.get_mut(&tid).and_then(Vec::pop) {
            self.endless(left);
        }
    }

    fn endless(&mut self, Begun { pid, module, is_same, began_ns, .. }: Begun) {
        if is_same {
            return;
        }
        let what = EventKind::Import { module, duration_ms: None, self_ms: None, succeeded: None };
        self.happened(pid, began_ns, what);
    }

    /// Process `pid` ends, or runs another program: nothing more will be known of its imports.
    pub(super) fn leave_imports(&mut self, pid: u32) {
        let of_others = |begun: &Begun| begun.pid != pid;
        let mut left = Vec::new();
        for begun in self.happenings.imports.values_mut() {
            if !begun.iter().all(of_others) {
                left.append(begun);
            }
        }
        self.happenings.imports.retain(|_, begun| !begun.is_empty());
        for begun in left {
            self.endless(begun);
        }
    }

    /// The ends of imports pass unseen from now on, for this reason.
    pub(in crate::trace) fn import_ends_are_unseen(&mut self, why: &str) {
        if std::mem::take(&mut self.happenings.sees_ends) {
            self.effects_seen.events.insert(format!("not every import has a duration: {why}"));
            let all = std::mem::take(&mut self.happenings.imports);
            all.into_values().flatten().for_each(|begun| self.endless(begun));
        }
    }

    /// It is seen how long the collections of a process take, or it is not.
    pub(super) fn collections_are_timed(&mut self, timed: bool) {
        self.happenings.times_collections.get_or_insert(true).bitand_assign(timed);
    }

    /// How long all collections took, where that is known of every process.
    pub(in crate::trace) fn collecting(&self) -> Option<Millis> {
        let is_known = self.happenings.times_collections == Some(true);
        is_known.then(|| Millis::from_nanos(self.happenings.collecting_ns))
    }

    pub(super) fn collection(&mut self, collection: &Collection) {
        let Header { kind, pid, tid, time_ns, .. } = collection.header;
        self.happenings.sees_collections = true;
        if kind == KIND_GC_START {
            let generation = u32::try_from(collection.number).unwrap_or(0);
            self.happenings.collections.insert(tid, (generation, time_ns));
            return;
        }
        let Some((generation, began_ns)) = self.happenings.collections.remove(&tid) else { return };
        let lasted_ns = time_ns.saturating_sub(began_ns);
        let sum_ns = &mut self.happenings.collecting_ns;
        *sum_ns = sum_ns.saturating_add(lasted_ns);
        let duration_ms = Some(Millis::from_nanos(lasted_ns));
        let collected = u64::try_from(collection.number).ok();
        let what = EventKind::Gc { generation, collected, collections: None, duration_ms };
        self.happened(pid, began_ns, what);
    }

    /// A look at `time_ns` has found collections that the interpreter itself has counted. Where they are seen one by
    /// one that is nothing new.
    pub(super) fn collected(&mut self, pid: u32, time_ns: u64, new: &[Collected; GENERATIONS]) {
        if self.happenings.sees_collections {
            return;
        }
        for (generation, new) in (0..).zip(new).filter(|(_, new)| new.collections > 0) {
            let what = EventKind::Gc {
                generation,
                collected: Some(new.objects),
                collections: Some(new.collections),
                duration_ms: None,
            };
            self.happened(pid, time_ns, what);
        }
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
