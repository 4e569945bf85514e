//! One look at the classes of a process.

use super::describe::{Described, HeapFacts, Names, describe};
use super::{Classes, Heap, MAX_INSTANCES, Seen, UNREAD_TYPE};
use crate::aggregate::calls::Calls;
use crate::aggregate::types::Types;
use crate::clock::monotonic_ns;
use crate::cpython::Known;
use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use crate::symbolize::memory::Metered;
use crate::symbolize::types::{ClassState, class_state};
use molt_common::walk::Memory;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

/// Stands in the qualified names of classes that functions make.
const LOCAL: &str = "<locals>";

/// How long a read takes, about.
const READ_NS: u64 = 500;

/// What a look may cost.
#[derive(Clone, Copy, Debug)]
pub(in crate::trace) struct Allowance {
    /// Reads of the process's memory, of half a microsecond each.
    pub(in crate::trace) reads: u64,
    /// Objects of the garbage collector that are gone through.
    pub(in crate::trace) objects: usize,
    /// Instances of one class.
    pub(in crate::trace) instances: u32,
    /// Whether the look comes at a time of its own. What calls have brought is looked at at once.
    pub(in crate::trace) is_timed: bool,
    /// When the process goes on that waits for the look, in nanoseconds of `CLOCK_MONOTONIC`.
    pub(in crate::trace) until_ns: u64,
}

impl Allowance {
    /// Of a look at a process that waits for it: a tenth of a second.
    pub(in crate::trace) const HELD: Self =
        Self { reads: 250_000, objects: 100_000, instances: 64, is_timed: true, until_ns: u64::MAX };
    /// Of a look while the program runs: two milliseconds.
    pub(in crate::trace) const RUNNING: Self =
        Self { reads: 4_000, objects: 1_000, instances: 8, is_timed: true, until_ns: u64::MAX };
    /// Of what calls have brought since the last time. It is little: further records may wait, of code that is freed
    /// in a millisecond.
    pub(in crate::trace) const CALLS: Self =
        Self { reads: 500, objects: 0, instances: 32, is_timed: false, until_ns: u64::MAX };

    /// The same for a process that waits until then.
    pub(in crate::trace) const fn until(self, until_ns: u64) -> Self {
        Self { until_ns, ..self }
    }

    /// What can be done of it before the process goes on.
    pub(in crate::trace) fn left(self) -> Self {
        let left_ns = self.until_ns.saturating_sub(monotonic_ns());
        Self { reads: self.reads.min(left_ns / READ_NS), ..self }
    }

    /// The process does not wait any more.
    pub(in crate::trace) fn is_over(&self) -> bool {
        monotonic_ns() >= self.until_ns
    }
}

/// A look under way.
#[derive(Debug)]
pub(in crate::trace) struct Look<'a, M> {
    pub(super) memory: Metered<'a, M>,
    pub(super) layout: &'a Layout,
    pub(super) runtime: u64,
    pub(super) interp: u64,
    pub(super) process: u32,
    pub(super) allowance: Allowance,
    pub(super) classes: &'a mut Classes,
    pub(super) types: &'a mut Types,
    pub(super) calls: &'a mut Calls,
    /// Names of types, each read once in a look.
    pub(super) names: Names,
    /// The program's own modules, as far as they were gone through.
    pub(super) own: BTreeSet<String>,
    /// Whether the instances of a type are classes.
    pub(super) metaclasses: HashMap<u64, bool>,
}

/// Where a look is made.
#[derive(Clone, Copy, Debug)]
pub(in crate::trace) struct Place<'a, M> {
    /// The process's memory.
    pub(in crate::trace) memory: &'a M,
    /// How to read it.
    pub(in crate::trace) layout: &'a Layout,
    /// The address of its `_PyRuntime`.
    pub(in crate::trace) runtime: u64,
    /// The address of its main interpreter.
    pub(in crate::trace) interp: u64,
    /// The process.
    pub(in crate::trace) process: u32,
}

impl<'a, M: Memory> Look<'a, M> {
    /// A look at `place`, which adds to what is known of its classes.
    pub(in crate::trace) fn new(
        place: &Place<'a, M>,
        allowance: Allowance,
        classes: &'a mut Classes,
        types: &'a mut Types,
        calls: &'a mut Calls,
    ) -> Self {
        let Place { memory, layout, runtime, interp, process } = *place;
        Self {
            memory: Metered::new(memory, allowance.reads),
            layout,
            runtime,
            interp,
            process,
            allowance,
            classes,
            types,
            calls,
            names: Names::new(),
            own: BTreeSet::new(),
            metaclasses: HashMap::new(),
        }
    }

    /// Reads the classes that wait, and the instances that came with calls.
    pub(in crate::trace) fn take_waiting(&mut self) {
        self.read_waiting();
        self.read_met_instances();
    }

    /// Compares the classes that are known with what they were, beginning where the look before had to end, as
    /// long as half of what the look may cost is left. Those that a function makes each time that it runs are left out: the next one may come to the same address.
    pub(in crate::trace) fn compare(&mut self) {
        let (earlier, later) =
            (..=self.classes.compared, (Bound::Excluded(self.classes.compared), Bound::Unbounded));
        let known = &self.classes.known;
        let all: Vec<_> = known
            .range(later)
            .chain(known.range(earlier))
            .filter_map(|(addr, seen)| {
                let heap = seen.heap.as_ref().filter(|_| !seen.name.contains(LOCAL))?;
                Some((*addr, heap.state))
            })
            .collect();
        for (addr, before) in all {
            if !self.has_left(2) {
                return;
            }
            self.compare_class(addr, &before);
            self.classes.compared = addr;
        }
    }

    /// How many reads are left.
    pub(in crate::trace) fn left(&self) -> u64 {
        self.memory.left()
    }

    /// Whether so many quarters are left of what the look may cost: what comes first leaves some for what follows.
    pub(super) fn has_left(&self, quarters: u64) -> bool {
        self.memory.left() > self.allowance.reads / 4 * quarters
    }

    pub(super) fn objects(&self) -> Objects<'_, Metered<'a, M>> {
        Objects::new(&self.memory, self.layout)
    }

    /// Reads the classes that wait, as long as there is enough left for their instances.
    pub(super) fn read_waiting(&mut self) {
        if self.allowance.is_timed {
            let Classes { waiting, costly, .. } = &mut *self.classes;
            waiting.append(costly);
        }
        while self.has_left(1)
            && let Some(addr) = self.classes.waiting.pop_front()
        {
            let left = self.memory.left();
            let read = self.read(addr);
            if read.is_err() && self.memory.is_spent() {
                // One that a whole look is not enough for would keep all others waiting.
                let is_costly = left > self.allowance.reads / 2;
                let Classes { waiting, costly, .. } = &mut *self.classes;
                return if is_costly { costly } else { waiting }.push_front(addr);
            }
            if let Err(reason) = read {
                tracing::debug!(%reason, "type left out");
                self.types.leave_out(UNREAD_TYPE, 1);
            }
            self.classes.queued.remove(&addr);
        }
    }

    fn compare_class(&mut self, addr: u64, before: &ClassState) {
        // What is gone from its address is what it was when it was seen last.
        let Ok(state) = class_state(&self.memory, self.layout, addr, Some(before)) else { return };
        if state.differs_from(before) {
            let _gone = self.read(addr);
            return;
        }
        let Some(seen) = self.classes.known.get_mut(&addr) else { return };
        let Some(heap) = &mut seen.heap else { return };
        heap.state = state;
        if !std::mem::replace(&mut heap.built, true)
            && self.own.iter().any(|module| is_in(&seen.name, module))
        {
            let values = self.types.values(seen.id);
            self.meet_own_among(values);
        }
    }

    /// Reads the class at `addr`, and notes those that are attributes of it.
    fn read(&mut self, addr: u64) -> Known<()> {
        let Self { memory, layout, interp, names, calls, .. } = self;
        let described = describe(memory, layout, *interp, addr, names, calls)?;
        self.types.leave_out("further_attribute", described.rest);
        self.note(addr, described);
        Ok(())
    }

    fn note(&mut self, addr: u64, described: Described) {
        let Described { facts, heap, .. } = described;
        let values: Vec<u64> = facts.attributes.iter().map(|attribute| attribute.value).collect();
        let namespace = heap.as_ref().map(|heap| heap.state.namespace);
        let name = facts.name.clone();
        let heap = heap.map(|HeapFacts { state, slots, is_metaclass }| {
            let sampled = if is_metaclass { MAX_INSTANCES } else { 0 };
            Heap { state, built: self.allowance.is_timed, slots, sampled }
        });
        let before = self.classes.known.get_mut(&addr).filter(|seen| {
            seen.name == name && seen.heap.as_ref().map(|heap| heap.state.namespace) == namespace
        });
        match before {
            // What is there now may be the next class that the function has made.
            Some(_) if name.contains(LOCAL) => {}
            Some(seen) => {
                let (sampled, built) =
                    seen.heap.as_ref().map_or((0, true), |heap| (heap.sampled, heap.built));
                seen.heap = heap.map(|heap| Heap { sampled, ..heap });
                self.types.update(seen.id, facts, built);
            }
            None => {
                if let Some(id) = self.types.add(self.process, facts) {
                    self.classes.known.insert(addr, Seen { id, name, heap });
                }
            }
        }
        if self.allowance.is_timed {
            self.meet_own_among(values);
        }
    }
}

/// Whether the type with this name is in `module`, as far as the name tells.
fn is_in(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
}
