//! The attributes of one instance: its slots, and what is in its `__dict__` or in its place.

use super::slots::Slot;
use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;

/// Most attributes of one instance's `__dict__` that are looked at: its first ones.
const MAX_ATTRIBUTES: usize = 1000;
/// Most bytes of their names that are kept: 200 for each.
const MAX_NAMES: usize = 200_000;
/// `Py_TPFLAGS_INLINE_VALUES` (`Include/object.h`), from 3.13 on: values follow the object.
const INLINE_VALUES: u64 = 1 << 2;
/// `Py_TPFLAGS_MANAGED_DICT`, from 3.11 on: `__dict__` or the values lie before the object.
const MANAGED_DICT: u64 = 1 << 4;

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The slots that are set, then what is in the `__dict__` in its order. Keys of it that are no str are left out.
    pub attributes: Vec<InstanceAttribute>,
    /// Whether there are more than were looked at.
    pub rest: bool,
}

/// An attribute of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceAttribute {
    /// Its name.
    pub name: Text,
    /// The type of its value.
    pub kind: String,
    /// Whether it is in a slot.
    pub is_slot: bool,
}

/// Reads the instance at `addr`, whose class has the slots `slots` ([`super::read_slots`]). `name_of_type` gives
/// the name of the type at an address.
///
/// Fails with [`Unknown::Torn`] when the program changed it meanwhile, and with the reason when a part of it cannot
/// be read.
pub fn read_instance<M: Memory>(
    memory: &M,
    layout: &Layout,
    addr: u64,
    slots: &[Slot],
    mut name_of_type: impl FnMut(u64) -> Known<String>,
) -> Known<Instance> {
    let objects = Objects::new(memory, layout);
    let before = look(&objects, addr, slots)?;
    let mut kind_of = |value| name_of_type(objects.u64(value, layout.object_type)?);
    let mut attributes = Vec::new();
    for (slot, value) in slots.iter().zip(&before.slots).filter(|(_, value)| **value != 0) {
        attributes.push(InstanceAttribute { name: slot.name.clone(), kind: kind_of(*value)?, is_slot: true });
    }
    let (mut names, mut rest) = (0, before.rest);
    for (key, value) in &before.items {
        if names > MAX_NAMES {
            rest = true;
            break;
        }
        let name = match objects.str(*key) {
            Err(Unknown::WrongType) => continue,
            name => name?,
        };
        names += name.value.len();
        attributes.push(InstanceAttribute { name, kind: kind_of(*value)?, is_slot: false });
    }
    memory.forget();
    if look(&objects, addr, slots)? != before {
        return Err(Unknown::Torn);
    }
    Ok(Instance { attributes, rest })
}

/// The value under `name` in the `__dict__` of the instance at `addr`, or in its place.
pub fn read_instance_value<M: Memory>(objects: &Objects<'_, M>, addr: u64, name: &str) -> Known<u64> {
    for (key, value) in look(objects, addr, &[])?.items {
        if objects.is_text(key, name)? {
            return Ok(value);
        }
    }
    Err(Unknown::Absent)
}

/// One look at an instance. Two that are equal saw the same attributes.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    class: u64,
    slots: Vec<u64>,
    items: Vec<(u64, u64)>,
    rest: bool,
}

fn look<M: Memory>(objects: &Objects<'_, M>, addr: u64, slots: &[Slot]) -> Known<Look> {
    if objects.is_freed(addr)? {
        return Err(Unknown::Stale);
    }
    let class = objects.u64(addr, objects.layout.object_type)?;
    let slots = slots.iter().map(|slot| objects.u64(addr, slot.offset)).collect::<Known<_>>()?;
    let (items, rest) = match place(objects, addr, class)? {
        Place::None => (Vec::new(), false),
        Place::Dict(dict) => {
            let start = objects.dict_start(dict, MAX_ATTRIBUTES)?;
            (start.items, start.rest)
        }
        Place::Values(values) => {
            let keys = objects.u64(class, objects.layout.heap_type_cached_keys)?;
            (objects.split_items(keys, values)?, false)
        }
    };
    Ok(Look { class, slots, items, rest })
}

/// Where an instance keeps the attributes that are in no slot.
enum Place {
    None,
    /// In the dict at this address.
    Dict(u64),
    /// In the values at this address, under the names that its class shares.
    Values(u64),
}

/// Finds the attributes of the instance at `addr` of `class` (`_PyObject_GetDictPtr` in `Objects/object.c`,
/// `pycore_object.h`).
fn place<M: Memory>(objects: &Objects<'_, M>, addr: u64, class: u64) -> Known<Place> {
    let layout = objects.layout;
    let flags = objects.flags_of_type(class)?;
    let dict = |dict: u64| if dict == 0 { Place::None } else { Place::Dict(dict) };
    if layout.minor < 11 || flags & MANAGED_DICT == 0 {
        return Ok(match dict_offset(objects, addr, class)? {
            0 => Place::None,
            offset => dict(objects.u64(addr.wrapping_add(offset), 0)?),
        });
    }
    // Before the object: a weak reference list, this, and the two words of the garbage collector, which
    // free-threaded builds do not have.
    let before = |words: u64| objects.u64(addr.wrapping_sub(8 * words), 0);
    match layout.minor {
        11 => match before(4)? {
            0 => Ok(dict(before(3)?)),
            values => Ok(Place::Values(values)),
        },
        12 => match before(3)? {
            word if word & 1 == 1 => Ok(Place::Values(word.wrapping_add(1))),
            word => Ok(dict(word)),
        },
        _ => {
            if flags & INLINE_VALUES != 0 && layout.values_valid != ABSENT {
                let values = addr.wrapping_add(objects.u64(class, layout.type_basicsize)?);
                if objects.head(values, layout.values_items)?.u8(layout.values_valid)? != 0 {
                    return Ok(Place::Values(values));
                }
            }
            Ok(dict(before(if layout.free_threaded { 1 } else { 3 })?))
        }
    }
}

/// Bytes from the start of the instance at `addr` of `class` to its `__dict__`; 0 when it has none. A negative
/// offset counts from the end of an object of variable size.
fn dict_offset<M: Memory>(objects: &Objects<'_, M>, addr: u64, class: u64) -> Known<u64> {
    let layout = objects.layout;
    let offset = objects.u64(class, layout.type_dictoffset)?;
    if !offset.cast_signed().is_negative() {
        return Ok(offset);
    }
    // The size of an int has its sign.
    let size = objects.u64(addr, layout.var_size)?.cast_signed().unsigned_abs();
    let items = size.checked_mul(objects.u64(class, layout.type_itemsize)?).ok_or(Unknown::TooLong)?;
    let end = objects.u64(class, layout.type_basicsize)?.checked_add(items).ok_or(Unknown::TooLong)?;
    let aligned = end.checked_next_multiple_of(8).ok_or(Unknown::TooLong)?;
    Ok(aligned.wrapping_add(offset))
}
