//! The dict in which a type keeps its attributes.

use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;

/// `_Py_TPFLAGS_STATIC_BUILTIN` (`Include/object.h`), from 3.12 on: each interpreter has a dict of its own for the
/// type.
const STATIC_BUILTIN: u64 = 1 << 1;
/// Most such types: CPython has some 200 (`_Py_MAX_MANAGED_STATIC_BUILTIN_TYPES` in `pycore_typeobject.h`).
const MAX_STATIC_TYPES: u64 = 1024;

/// The address of the dict of the type at `addr`, whose `tp_flags` are `flags`, in the interpreter at `interp`.
pub(super) fn namespace<M: Memory>(
    objects: &Objects<'_, M>,
    interp: u64,
    addr: u64,
    flags: u64,
) -> Known<u64> {
    let layout = objects.layout;
    if layout.interp_static_types == ABSENT || flags & STATIC_BUILTIN == 0 {
        return objects.u64(addr, layout.type_dict);
    }
    // For these types the field holds their number, from 1 (`static_builtin_index_get` in
    // `Objects/typeobject.c`).
    let number = objects.u64(addr, layout.type_subclasses)?;
    if !(1..=MAX_STATIC_TYPES).contains(&number) {
        return Err(Unknown::Malformed);
    }
    let at = (number - 1) * u64::from(layout.static_type_bytes);
    for types in [layout.interp_static_types, layout.interp_extension_types] {
        if types == ABSENT {
            continue;
        }
        // The first field of an entry is the type itself.
        let entry = interp.wrapping_add(u64::from(types)).wrapping_add(at);
        if objects.u64(entry, 0)? == addr {
            return objects.u64(entry, layout.static_type_dict);
        }
    }
    Err(Unknown::Malformed)
}
