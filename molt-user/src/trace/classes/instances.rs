//! Instances of the classes that are known: a few of each.

use super::MAX_INSTANCES;
use super::describe::named;
use super::look::Look;
use crate::aggregate::types::Field;
use crate::cpython::{Known, Unknown};
use crate::symbolize::memory::Recent;
use crate::symbolize::types::read_instance;
use molt_common::walk::Memory;
use std::collections::HashMap;

impl<M: Memory> Look<'_, M> {
    /// Looks at the instances that came with calls, as far as they are still there.
    pub(super) fn read_met_instances(&mut self) {
        while !self.memory.is_spent()
            && let Some((addr, class)) = self.classes.instances.pop_front()
        {
            self.count_instance(addr, class);
        }
    }

    /// Looks at instances of known classes among `objects`, so many of each as a look may.
    pub(super) fn read_instances(&mut self, objects: &[(u64, u64)]) {
        let mut looked_at: HashMap<u64, u32> = HashMap::new();
        for (addr, class) in objects {
            if self.memory.is_spent() {
                return;
            }
            let heap = self.classes.known.get(class).and_then(|seen| seen.heap.as_ref());
            if heap.is_none_or(|heap| heap.sampled >= MAX_INSTANCES) {
                continue;
            }
            let count = looked_at.entry(*class).or_default();
            if *count < self.allowance.instances {
                *count += 1;
                self.count_instance(*addr, *class);
            }
        }
    }

    fn count_instance(&mut self, addr: u64, class: u64) {
        match self.read_instance(addr, class) {
            // It is gone, or has another class by now.
            Ok(()) | Err(Unknown::Stale | Unknown::Absent) => {}
            Err(_unread) if self.memory.is_spent() => {}
            Err(reason) => {
                tracing::debug!(%reason, "instance left out");
                self.types.leave_out("unread_instance", 1);
            }
        }
    }

    /// Looks at the instance at `addr`, if it is one of `class`.
    fn read_instance(&mut self, addr: u64, class: u64) -> Known<()> {
        let is_there = |look: &Self| match look.objects().u64(addr, look.layout.object_type)? {
            there if there == class => Ok(()),
            _other => Err(Unknown::Stale),
        };
        is_there(self)?;
        let found = {
            let Self { memory, layout, names, classes, .. } = self;
            let memory = &Recent::new(memory);
            let seen =
                classes.known.get(&class).and_then(|seen| seen.heap.as_ref()).ok_or(Unknown::Absent)?;
            read_instance(memory, layout, addr, &seen.slots, |kind| named(names, memory, layout, kind))?
        };
        is_there(self)?;
        let fields = found.attributes.into_iter().map(|attribute| Field {
            name: attribute.name.value.into(),
            kind: self.calls.type_id(&attribute.kind),
            is_slot: attribute.is_slot,
        });
        let fields = fields.collect();
        if let Some(seen) = self.classes.known.get_mut(&class)
            && let Some(heap) = &mut seen.heap
        {
            heap.sampled += 1;
            self.types.instance(seen.id, fields, found.rest);
        }
        Ok(())
    }
}
