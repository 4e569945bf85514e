//! `__slots__`: attributes that instances keep at fixed places.

use super::class::{MAX_ATTRIBUTES, read_types};
use crate::cpython::layout::Layout;
use crate::cpython::object::{Head, Objects};
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use molt_common::walk::Memory;
use molt_common::walk::ty::HEAP_TYPE;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The type of the descriptors that stand for slots.
pub(super) const MEMBER: &str = "member_descriptor";
/// Bytes of `PyMemberDef` (`Include/structmember.h`, from 3.12 `Include/descrobject.h`) up to its offset's end:
/// a name, a type as an `int`, an offset. Part of the stable ABI, like the two types whose members are objects.
const MEMBER_BYTES: u32 = 24;
const MEMBER_TYPE: u32 = 8;
const MEMBER_OFFSET: u32 = 16;
const T_OBJECT: u32 = 6;
const T_OBJECT_EX: u32 = 16;
/// Largest offset that is believed: a class with 100,000 slots.
const MAX_OFFSET: u64 = 1 << 20;
/// Most attributes looked at for the slots of one class, its bases' with them: few have 1,000.
const MAX_LOOKED_AT: usize = 1 << 15;
/// Most slots of one class.
const MAX_SLOTS: usize = 2000;

/// A slot of instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name, as the class has it: private ones with the class's name.
    pub name: Text,
    /// Where its value is in an instance, in bytes.
    pub offset: u32,
}

/// The slots of instances of the class at `addr`: its own, then those of the classes that it is derived from, in
/// the order of `__mro__`. C types have none that are meant.
pub fn read_slots<M: Memory>(memory: &M, layout: &Layout, addr: u64) -> Known<Vec<Slot>> {
    let objects = Objects::new(memory, layout);
    let (mut slots, mut left) = (Vec::<Slot>::new(), MAX_LOOKED_AT);
    let mut members = HashMap::new();
    for class in read_types(&objects, addr, layout.type_mro)? {
        if objects.flags_of_type(class)? & HEAP_TYPE == 0 {
            continue;
        }
        let start = objects.dict_start(objects.u64(class, layout.type_dict)?, MAX_ATTRIBUTES)?;
        left = left.checked_sub(start.items.len()).ok_or(Unknown::TooLong)?;
        for (key, value) in start.items {
            let kind = objects.u64(value, layout.object_type)?;
            let is_member = match members.entry(kind) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(objects.is_type_named(kind, MEMBER)?),
            };
            if !is_member {
                continue;
            }
            let name = objects.str(key)?;
            if let Some(offset) = read_offset(&objects, value)?
                && slots.iter().all(|slot| slot.name != name)
            {
                slots.push(Slot { name, offset });
            }
            if slots.len() > MAX_SLOTS {
                return Err(Unknown::TooLong);
            }
        }
    }
    Ok(slots)
}

/// Where instances have what the `member_descriptor` at `addr` stands for; `None` when that is no object.
pub(super) fn read_offset<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<Option<u32>> {
    let member: Head = objects.head(objects.u64(addr, objects.layout.member_def)?, MEMBER_BYTES)?;
    if !matches!(member.u32(MEMBER_TYPE)?, T_OBJECT | T_OBJECT_EX) {
        return Ok(None);
    }
    let offset = member.u64(MEMBER_OFFSET)?;
    if offset > MAX_OFFSET {
        return Err(Unknown::Malformed);
    }
    Ok(u32::try_from(offset).ok())
}
