//! What dicts, lists, tuples and sets hold: their lengths, keys, and the types of a part of their elements.
//!
//! The program goes on while it is read. A container is looked at twice, with its elements' types in between, and
//! counts only if both looks saw the same.

mod look;

use crate::cpython::layout::Layout;
use crate::cpython::object::{DICT_SUBCLASS, LIST_SUBCLASS, Objects, TUPLE_SUBCLASS};
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use look::{Look, look};
use molt_common::walk::Memory;
use molt_common::walk::ty::HEAP_TYPE;

/// Most keys of a dict that are looked at: its first ones.
pub const MAX_KEYS: usize = 64;
/// Most elements of a list, tuple or set that are looked at.
pub const MAX_ELEMENTS: u64 = 32;

/// What sort of container an object is, by its type or by the one that its type is derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerKind {
    /// `dict`.
    Dict,
    /// `list`.
    List,
    /// `tuple`.
    Tuple,
    /// `set` or `frozenset`.
    Set,
}

/// What a container held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A dict.
    Dict(DictShape),
    /// A list.
    List(ElementShape),
    /// A tuple.
    Tuple(ElementShape),
    /// A set or frozenset.
    Set(ElementShape),
}

/// What a dict held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictShape {
    /// Its length.
    pub length: u64,
    /// Its first entries in their order, [`MAX_KEYS`] at most.
    pub entries: Vec<Entry>,
}

impl DictShape {
    /// Whether every key that was looked at is a str.
    pub fn all_keys_str(&self) -> bool {
        self.entries.iter().all(|entry| matches!(entry.key, Key::Str(_)))
    }
}

/// An entry of a dict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// The type of its value.
    pub value: String,
}

/// The key of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A str, exactly: its text, which is the program's data.
    Str(Text),
    /// Anything else: its type.
    Other(String),
}

/// What a list, tuple or set held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementShape {
    /// Its length.
    pub length: u64,
    /// The types of the elements looked at, in their order. Of a sequence these are all, or the elements
    /// `i * length / 32` for each `i` up to 31.
    pub types: Vec<String>,
}

/// What sort of container the instances of the type at `addr` are, if any.
pub fn container_kind<M: Memory>(memory: &M, layout: &Layout, addr: u64) -> Known<Option<ContainerKind>> {
    let objects = Objects::new(memory, layout);
    let flags = objects.flags_of_type(addr)?;
    let kinds = [
        (DICT_SUBCLASS, ContainerKind::Dict),
        (LIST_SUBCLASS, ContainerKind::List),
        (TUPLE_SUBCLASS, ContainerKind::Tuple),
    ];
    if let Some((_, kind)) = kinds.into_iter().find(|(flag, _)| flags & flag != 0) {
        return Ok(Some(kind));
    }
    // Sets have no flag. A static type without a module in its name is a builtin one.
    for kind in objects.bases(addr) {
        let kind = kind?;
        if objects.flags_of_type(kind)? & HEAP_TYPE == 0
            && (objects.is_type_named(kind, "set")? || objects.is_type_named(kind, "frozenset")?)
        {
            return Ok(Some(ContainerKind::Set));
        }
    }
    Ok(None)
}

/// Reads the container at `addr`. `name_of_type` gives the name of the type at an address.
///
/// Fails with [`Unknown::WrongType`] for what is no container, with [`Unknown::Torn`] when the program changed it
/// meanwhile, and with the reason when a part of it cannot be read.
pub fn read_container<M: Memory>(
    memory: &M,
    layout: &Layout,
    addr: u64,
    mut name_of_type: impl FnMut(u64) -> Known<String>,
) -> Known<Shape> {
    let objects = Objects::new(memory, layout);
    let class = objects.u64(addr, layout.object_type)?;
    let kind = container_kind(memory, layout, class)?.ok_or(Unknown::WrongType)?;
    let before = look(&objects, addr, kind)?;
    let mut type_of = |item: u64| name_of_type(objects.u64(item, layout.object_type)?);
    let shape = if kind == ContainerKind::Dict {
        read_entries(&objects, &before, &mut type_of).map(Shape::Dict)
    } else {
        let types = before.items.iter().map(|(item, _)| type_of(*item)).collect::<Known<_>>();
        let shape = types.map(|types| ElementShape { length: before.length, types });
        shape.map(match kind {
            ContainerKind::List => Shape::List,
            ContainerKind::Tuple => Shape::Tuple,
            ContainerKind::Dict | ContainerKind::Set => Shape::Set,
        })
    };
    // A change explains every other failure.
    if look(&objects, addr, kind)? != before || objects.u64(addr, layout.object_type)? != class {
        return Err(Unknown::Torn);
    }
    shape
}

fn read_entries<M: Memory>(
    objects: &Objects<'_, M>,
    look: &Look,
    type_of: &mut impl FnMut(u64) -> Known<String>,
) -> Known<DictShape> {
    let mut entries = Vec::new();
    for (key, value) in &look.items {
        let name = type_of(*key)?;
        let key = if name == "str" { Key::Str(objects.str(*key)?) } else { Key::Other(name) };
        entries.push(Entry { key, value: type_of(*value)? });
    }
    Ok(DictShape { length: look.length, entries })
}
