//! One look at the classes of a process.

use super::{Classes, Heap, MAX_INSTANCES, Seen};
use crate::aggregate::calls::{Calls, TypeId};
use crate::aggregate::types::{ClassAttribute, ClassFacts, Types};
use crate::cpython::layout::Layout;
use crate::cpython::object::{Objects, TYPE_SUBCLASS};
use crate::cpython::{Known, Unknown};
use crate::symbolize::memory::Metered;
use crate::symbolize::types::{
    Class, ClassState, class_state, read_class, read_lineage, read_slots, read_type, read_type_name,
};
use molt_common::walk::Memory;
use molt_mpa::model::{TypeForm, TypeKind};
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

/// `Py_TPFLAGS_BASE_EXC_SUBCLASS` (`Include/object.h`).
const EXCEPTION_SUBCLASS: u64 = 1 << 30;
/// Stands in the qualified names of classes that functions make.
const LOCAL: &str = "<locals>";
/// The cause under which types are lost that could not be read.
pub(super) const UNREAD: &str = "unread_type";

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
}

impl Allowance {
    /// Of a look at a process that waits for it: a tenth of a second.
    pub(in crate::trace) const HELD: Self =
        Self { reads: 250_000, objects: 100_000, instances: 64, is_timed: true };
    /// Of a look while the program runs: two milliseconds.
    pub(in crate::trace) const RUNNING: Self =
        Self { reads: 4_000, objects: 1_000, instances: 8, is_timed: true };
    /// Of what calls have brought since the last time.
    pub(in crate::trace) const CALLS: Self =
        Self { reads: 2_000, objects: 0, instances: 32, is_timed: false };
}

/// A look under way.
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
    pub(super) names: HashMap<u64, Known<String>>,
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
        place: Place<'a, M>,
        allowance: Allowance,
        classes: &'a mut Classes,
        types: &'a mut Types,
        calls: &'a mut Calls,
    ) -> Self {
        let Place { memory, layout, runtime, interp, process } = place;
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
            names: HashMap::new(),
            own: BTreeSet::new(),
            metaclasses: HashMap::new(),
        }
    }

    /// Reads the classes that wait, and the instances that came with calls.
    pub(in crate::trace) fn take_waiting(&mut self) {
        self.read_waiting();
        self.read_met_instances();
    }

    /// Compares the classes that are known with what they were, beginning where the look before had to end. Those
    /// that a function makes each time that it runs are left out: the next one may come to the same address.
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
            if self.memory.is_spent() {
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

    pub(super) fn objects(&self) -> Objects<'_, Metered<'a, M>> {
        Objects::new(&self.memory, self.layout)
    }

    pub(super) fn read_waiting(&mut self) {
        while let Some(addr) = self.classes.waiting.front().copied() {
            let read = self.read(addr);
            if read.is_err() && self.memory.is_spent() {
                return;
            }
            if let Err(reason) = read {
                tracing::debug!(%reason, "type left out");
                self.types.leave_out(UNREAD, 1);
            }
            self.classes.waiting.pop_front();
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

    /// Reads the class at `addr`, and those that are attributes of it.
    fn read(&mut self, addr: u64) -> Known<()> {
        let object = read_type(&self.memory, self.layout, addr)?;
        let name = object.name.text()?;
        let metaclass = Some(object.metaclass.text()?).filter(|name| name != "type");
        let (facts, heap) = if object.kind == TypeKind::Heap {
            let state = class_state(&self.memory, self.layout, addr, None)?;
            let class = {
                let Self { memory, layout, names, interp, .. } = self;
                read_class(memory, layout, *interp, addr, |kind| named(names, memory, layout, kind))?
            };
            let slots = read_slots(&self.memory, self.layout, addr)?;
            let facts = self.facts(name.clone(), class)?;
            let sampled = if object.flags & TYPE_SUBCLASS == 0 { 0 } else { MAX_INSTANCES };
            (facts, Some(Heap { state, built: self.allowance.is_timed, slots, sampled }))
        } else {
            let Self { memory, layout, names, .. } = self;
            let [bases, mro] = read_lineage(memory, layout, addr, |kind| named(names, memory, layout, kind))?;
            let [bases, mro] = [bases, mro].map(|names| self.ids(&names));
            let facts = ClassFacts {
                name: name.clone(),
                kind: TypeKind::Static,
                metaclass: None,
                forms: Vec::new(),
                bases,
                mro,
                attributes: Vec::new(),
            };
            (facts, None)
        };
        let mut facts = ClassFacts { metaclass: metaclass.map(|name| self.calls.type_id(&name)), ..facts };
        if object.flags & EXCEPTION_SUBCLASS != 0 {
            facts.forms.push(TypeForm::Exception);
        }
        self.check(&facts)?;
        self.note(addr, name, facts, heap);
        Ok(())
    }

    /// What `type` always keeps to; a metaclass may do what it likes.
    fn check(&self, facts: &ClassFacts) -> Known<()> {
        let begins = facts.mro.first().is_some_and(|first| self.calls.type_name(*first) == facts.name);
        let is_whole = facts.bases.iter().all(|base| facts.mro.contains(base));
        if facts.metaclass.is_some() || begins && is_whole { Ok(()) } else { Err(Unknown::Malformed) }
    }

    fn note(&mut self, addr: u64, name: String, facts: ClassFacts, heap: Option<Heap>) {
        let values: Vec<u64> = facts.attributes.iter().map(|attribute| attribute.value).collect();
        let seen = self.classes.known.get_mut(&addr);
        let before = seen.filter(|seen| {
            let namespace = |heap: &Option<Heap>| heap.as_ref().map(|heap| heap.state.namespace);
            seen.name == name && namespace(&seen.heap) == namespace(&heap)
        });
        match before {
            // What is there now may be the next class that the function has made.
            Some(seen) if seen.name.contains(LOCAL) => {}
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

    fn facts(&mut self, name: String, class: Class) -> Known<ClassFacts> {
        let form = class.form.unwrap_or_default();
        let forms = [
            (form.is_dataclass, TypeForm::Dataclass),
            (form.is_enum, TypeForm::Enum),
            (form.is_named_tuple, TypeForm::NamedTuple),
            (form.has_slots, TypeForm::Slots),
        ];
        let attributes = class.attributes?;
        self.types.leave_out("further_attribute", attributes.rest);
        let attributes = attributes.list.into_iter().map(|attribute| ClassAttribute {
            name: attribute.name.value.into(),
            kind: self.calls.type_id(&attribute.kind),
            is_slot: attribute.is_slot,
            value: attribute.value,
        });
        let attributes = attributes.collect();
        Ok(ClassFacts {
            name,
            kind: TypeKind::Heap,
            metaclass: None,
            forms: forms.into_iter().filter(|(is, _)| *is).map(|(_, form)| form).collect(),
            bases: self.ids(&class.bases?),
            mro: self.ids(&class.mro?),
            attributes,
        })
    }

    fn ids(&mut self, names: &[String]) -> Vec<TypeId> {
        names.iter().map(|name| self.calls.type_id(name)).collect()
    }
}

/// Whether the type with this name is in `module`, as far as the name tells.
fn is_in(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
}

/// The name of the type at `kind`, read when it is asked for first.
pub(super) fn named<M: Memory>(
    names: &mut HashMap<u64, Known<String>>,
    memory: &M,
    layout: &Layout,
    kind: u64,
) -> Known<String> {
    names.entry(kind).or_insert_with(|| read_type_name(memory, layout, kind)).clone()
}
