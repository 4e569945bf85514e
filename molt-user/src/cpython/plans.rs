//! Which memory the readers of code objects and types will want, for the kernel side to copy while it is there.

use super::layout::Layout;
use molt_common::call::CallLayout;
use molt_common::container::ContainerLayout;
use molt_common::layout::ABSENT;
use molt_common::plan::{MAX_STEPS, MAX_STRETCH, NO_STEP, Plan, Plans, ROOT, Step};

/// Most bytes of a name, a path or a table of keys. Longer ones are read later, if they are still there.
const MOST_TEXT: u32 = 1024;
const MOST: u32 = MAX_STRETCH;

/// What is copied of one interpreter's objects.
pub fn plans(layout: &Layout, calls: &CallLayout) -> Plans {
    Plans {
        code: code(layout),
        heap_type: heap_type(layout),
        module: module(layout),
        containers: containers(layout, calls),
    }
}

/// Containers.
fn containers(layout: &Layout, calls: &CallLayout) -> ContainerLayout {
    let last = [layout.list_items, layout.set_table, layout.set_mask, layout.dict_values, layout.var_size];
    ContainerLayout {
        list_items: layout.list_items,
        set_mask: layout.set_mask,
        set_table: layout.set_table,
        dict_keys: layout.dict_keys,
        dict_values: layout.dict_values,
        keys_size: layout.keys_size,
        keys_log2_index_bytes: layout.keys_log2_index_bytes,
        keys_kind: layout.keys_kind,
        keys_nentries: layout.keys_nentries,
        keys_indices: layout.keys_indices,
        values_items: layout.values_items,
        head_bytes: last.into_iter().fold(0, u32::max) + 8,
        tuple_items: layout.tuple_items,
        var_size: layout.var_size,
        object_type: layout.object_type,
        cell_ref: layout.cell_ref,
        cell_type: calls.cell_type,
        slot_mask: calls.slot_mask,
    }
}

/// A code object with its instructions, its tables and its names.
fn code(layout: &Layout) -> Plan {
    let mut plan = Builder::default();
    if layout.is_adaptive() {
        plan.add(Step {
            count: layout.code_size,
            item_bytes: 2,
            most: MOST,
            ..whole(ROOT, layout.code_adaptive)
        });
    } else {
        plan.add(whole(ROOT, layout.code_linetable.max(layout.code_name) + 8));
        plan.add(bytes(layout, ROOT, layout.code_size));
    }
    plan.add(bytes(layout, ROOT, layout.code_linetable));
    for name in [layout.code_filename, layout.code_name, layout.code_qualname] {
        if name != ABSENT {
            plan.add(text(layout, ROOT, name));
        }
    }
    // The names of its variables, of which the first one tells methods.
    let names = plan.add(Step { pointer: layout.code_varnames, ..whole(ROOT, layout.tuple_items + 8) });
    plan.add(text(layout, names, layout.tuple_items));
    plan.done()
}

/// A class made at run time, with its names and the beginning of its namespace, where `__module__` stands.
fn heap_type(layout: &Layout) -> Plan {
    let module = if layout.heap_type_module == ABSENT { 0 } else { layout.heap_type_module };
    let mut plan = Builder::default();
    plan.add(whole(ROOT, layout.heap_type_qualname.max(module) + 8));
    plan.add(text(layout, ROOT, layout.heap_type_qualname));
    let namespace = plan.add(Step { pointer: layout.type_dict, ..whole(ROOT, layout.dict_values + 8) });
    plan.add(Step { pointer: layout.dict_keys, ..whole(namespace, MOST_TEXT) });
    plan.done()
}

/// A module with its namespace: the table of its names follows an index that has up to 6 bytes for each.
fn module(layout: &Layout) -> Plan {
    let mut plan = Builder::default();
    plan.add(whole(ROOT, layout.module_dict + 8));
    let namespace = plan.add(Step {
        pointer: layout.module_dict,
        ..whole(ROOT, layout.dict_values.max(layout.dict_keys) + 8)
    });
    plan.add(Step {
        pointer: layout.dict_keys,
        bytes: MOST_TEXT,
        count: layout.keys_nentries,
        item_bytes: 24 + 6,
        most: MOST,
        ..whole(namespace, MOST_TEXT)
    });
    plan.done()
}

/// The first `bytes` bytes of what lies at a place.
fn whole(from: u32, bytes: u32) -> Step {
    Step { from, pointer: ABSENT, bytes, count: ABSENT, item_bytes: 0, most: bytes }
}

/// A str, as long as it may be: 4 bytes a code point behind the longest header.
fn text(layout: &Layout, from: u32, pointer: u32) -> Step {
    let bytes = layout.compact_bytes.max(layout.str_data + 8) + 4;
    Step { from, pointer, bytes, count: layout.str_length, item_bytes: 4, most: MOST_TEXT }
}

/// A bytes object.
fn bytes(layout: &Layout, from: u32, pointer: u32) -> Step {
    let bytes = layout.bytes_data + 1;
    Step { from, pointer, bytes, count: layout.var_size, item_bytes: 1, most: MOST }
}

/// A plan in the making.
#[derive(Default)]
struct Builder(Vec<Step>);

impl Builder {
    /// Adds a step, and gives the place that it leads to.
    fn add(&mut self, step: Step) -> u32 {
        self.0.push(step);
        u32::try_from(self.0.len()).unwrap_or(0)
    }

    fn done(self) -> Plan {
        let mut steps = [whole(NO_STEP, 0); MAX_STEPS];
        for (slot, step) in steps.iter_mut().zip(self.0) {
            *slot = step;
        }
        Plan { steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpython::version::Version;

    /// A step may only follow what an earlier one has led to, and none may be left out.
    #[test]
    fn plans_fit_and_follow_their_own_steps() {
        for minor in 8..=15 {
            let layout = Layout::of(Version::release(3, minor, 0), false).expect("a layout");
            for plan in [code(&layout), heap_type(&layout), module(&layout)] {
                let steps: Vec<Step> = plan.steps.into_iter().filter(|step| step.from != NO_STEP).collect();
                assert!(steps.len() < MAX_STEPS, "3.{minor}: the last step may have been left out");
                for (index, step) in steps.iter().enumerate() {
                    assert!((step.from as usize) < index + 1, "3.{minor}: {step:?}");
                    assert!(step.bytes <= step.most && step.most <= MOST, "3.{minor}: {step:?}");
                }
            }
        }
    }
}
