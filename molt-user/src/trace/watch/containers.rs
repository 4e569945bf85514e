//! Containers among the parameters and results of the calls that the kernel side tells of.
//!
//! The kernel side has copied them where the call was seen, but for what is far behind in a large one. What has
//! changed meanwhile there, or was not copied, is dropped.

use crate::aggregate::calls::{Calls, TypeId};
use crate::aggregate::containers::{Contents, Key, Look};
use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use crate::symbolize::containers::{self, Shape, read_container};
use crate::symbolize::memory::{Overlay, Pieces};
use crate::symbolize::types::read_type_name;
use crate::trace::names::CallNames;
use crate::trace::reader::Reader;
use molt_common::call::{CallLayout, MAX_SLOTS, Seen, address, has_identity};
use molt_common::walk::call::packed_type;
use molt_common::walk::code::read_identity;
use molt_common::walk::{Block, Memory};

/// What was found at a call: the parameter's name, or none for the result, and what it held.
pub(super) type Found = (Option<String>, Look);

/// What it takes to look into a process's containers.
pub(super) struct Looker<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) names: &'a mut CallNames,
    pub(super) calls: &'a mut Calls,
    pub(super) layout: &'a CallLayout,
}

impl Looker<'_> {
    /// Looks into every container that comes with a call. Those that could not be read are errors.
    pub(super) fn look(&mut self, seen: &Seen, pieces: &Pieces) -> Vec<Known<Found>> {
        let mut values = [0; 8 * MAX_SLOTS];
        let copied = Overlay { pieces, memory: &self.reader.memory };
        let slots = if seen.slots != 0 && copied.read(seen.slots, &mut values).is_ok() {
            usize::from(seen.key.slots)
        } else {
            0
        };
        let values = values.as_chunks().0.iter().map(|value| u64::from_le_bytes(*value));
        let parameters = values.zip(seen.key.args).take(slots).enumerate();
        let mut found = Vec::new();
        for (index, (value, packed)) in parameters {
            self.meet_instance(value, packed, pieces);
            if self.names.is_container(packed) {
                let look = self.container(value, packed, pieces);
                found.push(look.and_then(|look| Ok((Some(self.parameter(seen, index)?), look))));
            }
        }
        if seen.returned != 0 {
            self.meet_instance(seen.returned, seen.key.result, pieces);
        }
        if seen.returned != 0 && self.names.is_container(seen.key.result) {
            found.push(self.container(seen.returned, seen.key.result, pieces).map(|look| (None, look)));
        }
        found
    }

    /// Notes the object in a slot, if it is one that a class of the program's may tell more of: a type that is never
    /// freed has no identity, and is static.
    fn meet_instance(&mut self, slot: u64, packed: u64, pieces: &Pieces) {
        let Reader { memory, layout, classes, .. } = &mut *self.reader;
        let memory = &Overlay { pieces, memory };
        if has_identity(packed)
            && classes.wants_instance(address(packed))
            && let Ok(at) = value(Objects::new(memory, layout), self.layout, slot)
        {
            classes.meet_instance(at, address(packed));
        }
    }

    /// Looks into the container in a slot, whose type was `packed` when the kernel side saw it.
    fn container(&mut self, slot: u64, packed: u64, pieces: &Pieces) -> Known<Look> {
        let Self { reader, names, calls, layout } = self;
        let Reader { memory, layout: table, classes, .. } = &mut **reader;
        let memory = &Overlay { pieces, memory };
        let objects = Objects::new(memory, table);
        let at = value(objects, layout, slot)?;
        // What was not copied may be another object by now.
        if !pieces.has(at) || objects.u64(at, layout.object_type)? != address(packed) {
            return Err(Unknown::Stale);
        }
        let mut type_of = |addr: u64| {
            let packed = packed_type(memory, layout, addr);
            if let Ok(id) = names.type_id(packed) {
                return Ok(calls.type_name(id).to_owned());
            }
            let name = read_type_name(memory, table, addr)?;
            names.note_type(packed, Ok(calls.type_id(&name)));
            classes.meet(addr);
            Ok(name)
        };
        let shape = read_container(memory, table, at, &mut type_of)?;
        Ok(look_of(shape, |name| calls.type_id(name)))
    }

    /// The name of a call's parameter, by its place among the slots.
    fn parameter(&self, seen: &Seen, index: usize) -> Known<String> {
        let (reader, at) = (&*self.reader, address(seen.key.callee));
        let objects = Objects::new(&reader.memory, &reader.layout);
        let read = self.names.object(seen.key.callee).ok_or(Unknown::Stale)?.object.identity;
        let walk = reader.layout.walk();
        let names = objects.u64(at, reader.layout.code_varnames)?;
        let place = u32::try_from(8 * index).map_err(|_too_far| Unknown::TooLong)?;
        let name = objects.str(objects.u64(names, reader.layout.tuple_items.saturating_add(place))?)?;
        // The code object must have been there all the time.
        let mut block: Block = Block::new();
        let now = read_identity(&reader.memory, &walk, at, &mut block)?;
        if objects.is_freed(at)? || now != read { Err(Unknown::Stale) } else { Ok(name.value) }
    }
}

/// The object in a slot, or in the cell that is there.
fn value<M: Memory>(objects: Objects<'_, M>, layout: &CallLayout, slot: u64) -> Known<u64> {
    let at = slot & layout.slot_mask;
    let is_cell = objects.u64(at, layout.object_type)? == layout.cell_type;
    if is_cell { objects.u64(at, layout.cell_ref) } else { Ok(at) }
}

/// What was read, with the types by number.
fn look_of(shape: Shape, mut id: impl FnMut(&str) -> TypeId) -> Look {
    let mut ids = |names: &[String]| names.iter().map(|name| id(name)).collect();
    match shape {
        Shape::List(shape) => Look { length: shape.length, contents: Contents::List(ids(&shape.types)) },
        Shape::Tuple(shape) => Look { length: shape.length, contents: Contents::Tuple(ids(&shape.types)) },
        Shape::Set(shape) => Look { length: shape.length, contents: Contents::Set(ids(&shape.types)) },
        Shape::Dict(shape) => {
            let entries = shape.entries.into_iter().map(|entry| {
                let key = match entry.key {
                    containers::Key::Str(text) => Key::Str(text.value),
                    containers::Key::Other(name) => Key::Other(id(&name)),
                };
                (key, id(&entry.value))
            });
            Look { length: shape.length, contents: Contents::Dict(entries.collect()) }
        }
    }
}
