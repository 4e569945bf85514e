//! `__slots__`: attributes that instances keep at fixed places.

use super::class::MAX_ATTRIBUTES;
use crate::cpython::layout::Layout;
use crate::cpython::object::{Head, Objects};
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use molt_common::walk::Memory;
use molt_common::walk::ty::HEAP_TYPE;

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
/// Most classes looked at for the slots of one.
const MAX_CLASSES: usize = 256;

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
    let mut slots: Vec<Slot> = Vec::new();
    for class in objects.items(objects.u64(addr, layout.type_mro)?)?.into_iter().take(MAX_CLASSES) {
        if objects.flags_of_type(class)? & HEAP_TYPE == 0 {
            continue;
        }
        for (key, value) in objects.dict_start(objects.u64(class, layout.type_dict)?, MAX_ATTRIBUTES)?.items {
            if !objects.is_a(value, MEMBER)? {
                continue;
            }
            let name = objects.str(key)?;
            if let Some(offset) = read_offset(&objects, value)?
                && slots.iter().all(|slot| slot.name != name)
            {
                slots.push(Slot { name, offset });
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
