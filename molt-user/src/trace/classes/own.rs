//! The program's own classes: those in the namespaces of its modules, those within these, and those that functions
//! have made and that the garbage collector knows.

use super::look::Look;
use super::{MAX_KNOWN, UNREAD_TYPE};
use crate::cpython::object::TYPE_SUBCLASS;
use crate::cpython::{Known, Unknown};
use crate::symbolize::locals::locals;
use crate::symbolize::memory::Recent;
use crate::symbolize::tracked::{Tracked, tracked};
use crate::symbolize::types::read_type_module;
use molt_common::walk::Memory;

/// Most names of one module that are gone through.
const MAX_NAMES: usize = 10_000;

impl<M: Memory> Look<'_, M> {
    /// Goes through the program's own modules, each with the address of its namespace, and reads the classes that are
    /// found there and in other classes.
    pub(in crate::trace) fn read_own(&mut self, modules: &[(String, u64)]) {
        self.own = modules.iter().map(|(name, _)| name.clone()).collect();
        for (_, namespace) in modules {
            match self.read_namespace(*namespace) {
                Ok(()) => {}
                Err(_unread) if self.memory.is_spent() => return,
                Err(_unread) => self.types.leave_out("unread_namespace", 1),
            }
        }
        self.read_waiting();
    }

    /// Goes through a namespace, unless it is as large as before: a class that took the place of another one under its
    /// name is found among the objects of the garbage collector.
    fn read_namespace(&mut self, namespace: u64) -> Known<()> {
        let size =
            (self.objects().u64(namespace, self.layout.dict_keys)?, self.objects().dict_length(namespace)?);
        if self.classes.namespaces.get(&namespace) == Some(&size) {
            return Ok(());
        }
        let start = self.objects().dict_start(namespace, MAX_NAMES)?;
        self.types.leave_out("further_name", start.rest.into());
        self.meet_own_among(start.items.into_iter().map(|(_, value)| value));
        if !self.memory.is_spent() {
            self.classes.namespaces.insert(namespace, size);
        }
        Ok(())
    }

    /// Notes the types of what running functions have in their locals, and looks at the instances among it.
    pub(in crate::trace) fn read_locals(&mut self) {
        let Ok(found) = locals(&self.memory, self.layout, self.interp) else { return };
        for (_, class) in &found {
            if !self.classes.known.contains_key(class) {
                self.classes.meet(*class);
            }
        }
        self.read_waiting();
        self.read_instances(&found);
    }

    /// Goes through the objects of the garbage collector: reads the program's own classes among them, then some
    /// instances of each class that is known.
    pub(in crate::trace) fn read_tracked(&mut self) {
        let Self { memory, layout, runtime, interp, allowance, .. } = self;
        let Ok(Tracked { objects, .. }) = tracked(memory, layout, *runtime, *interp, allowance.objects)
        else {
            return;
        };
        for (addr, class) in &objects {
            if self.is_metaclass(*class) {
                self.meet_own(*addr);
            }
        }
        self.read_waiting();
        self.read_instances(&objects);
    }

    /// Notes the program's own classes among these objects.
    pub(super) fn meet_own_among(&mut self, objects: impl IntoIterator<Item = u64>) {
        for addr in objects {
            let class = self.objects().u64(addr, self.layout.object_type);
            if class.is_ok_and(|class| self.is_metaclass(class)) {
                self.meet_own(addr);
            }
        }
    }

    fn is_metaclass(&mut self, class: u64) -> bool {
        if let Some(known) = self.metaclasses.get(&class) {
            return *known;
        }
        let is = self.objects().flags_of_type(class).is_ok_and(|flags| flags & TYPE_SUBCLASS != 0);
        self.metaclasses.insert(class, is);
        is
    }

    /// Notes the class at `addr`, if it is one of the program's own.
    fn meet_own(&mut self, addr: u64) {
        if self.classes.queued.contains(&addr) {
            return;
        }
        let namespace = self.objects().u64(addr, self.layout.type_dict).unwrap_or(0);
        let heap = self.classes.known.get(&addr).and_then(|seen| seen.heap.as_ref());
        let known = heap.map(|heap| heap.state.namespace);
        if known.as_ref().or(self.classes.foreign.get(&addr)) == Some(&namespace) {
            return;
        }
        match self.is_own(addr) {
            Ok(true) => self.classes.meet(addr),
            Ok(false) if self.classes.foreign.len() < MAX_KNOWN => {
                self.classes.foreign.insert(addr, namespace);
            }
            Ok(false) => {}
            Err(_unread) if self.memory.is_spent() => {}
            Err(_unread) => self.types.leave_out(UNREAD_TYPE, 1),
        }
    }

    fn is_own(&self, addr: u64) -> Known<bool> {
        match read_type_module(&Recent::new(&self.memory), self.layout, addr) {
            Ok(module) => Ok(self.own.contains(&module.value)),
            Err(Unknown::Absent) => Ok(false),
            Err(reason) => Err(reason),
        }
    }
}
