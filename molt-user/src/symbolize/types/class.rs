//! What a class is made of: bases, method resolution order, attributes.

use super::namespace::namespace;
use super::slots::{MEMBER, read_offset};
use crate::cpython::layout::Layout;
use crate::cpython::object::{Objects, TUPLE_SUBCLASS};
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use molt_common::walk::Memory;
use molt_common::walk::ty::HEAP_TYPE;

/// Most attributes of one class that are listed: its first ones.
pub const MAX_ATTRIBUTES: usize = 10_000;
/// Most bytes of their names that are kept: 200 for each.
const MAX_NAMES: usize = 2 << 20;
/// Most bases of one class, direct or not.
const MAX_BASES: usize = 1000;

/// A class and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// `__bases__`, by name.
    pub bases: Known<Vec<String>>,
    /// `__mro__`, by name, the class itself first.
    pub mro: Known<Vec<String>>,
    /// `vars(cls)`; those that are no str are left out.
    pub attributes: Known<Attributes>,
    /// Names that its instances were seen with by the interpreter, in the order of their keys; empty where it
    /// shares none between them.
    pub instance_names: Known<Vec<Text>>,
    /// What it was written as; [`Unknown::TooLong`] when not all attributes are listed.
    pub form: Known<ClassForm>,
}

/// The attributes of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// In the order of definition, [`MAX_ATTRIBUTES`] at most.
    pub list: Vec<Attribute>,
    /// How many more there are.
    pub rest: u64,
}

impl Attributes {
    /// What a class with these attributes was written as.
    fn form(&self, is_enum: bool, is_tuple: bool) -> Known<ClassForm> {
        if self.rest > 0 {
            return Err(Unknown::TooLong);
        }
        let has = |name| self.list.iter().any(|attribute| attribute.name.value == name);
        Ok(ClassForm {
            is_dataclass: has("__dataclass_fields__"),
            is_enum,
            is_named_tuple: is_tuple && has("_fields"),
            has_slots: has("__slots__"),
        })
    }
}

/// An attribute of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: Text,
    /// The type of its value.
    pub kind: String,
    /// Whether it is a slot of the instances.
    pub is_slot: bool,
    /// The address of its value: a later look that finds another one finds another object.
    pub value: u64,
}

/// What a class was written as, as far as its own attributes and its metaclass tell. More than one may be true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts, each independent of the others")]
pub struct ClassForm {
    /// `@dataclass`.
    pub is_dataclass: bool,
    /// An `enum.Enum`.
    pub is_enum: bool,
    /// A `NamedTuple` or `namedtuple`.
    pub is_named_tuple: bool,
    /// With `__slots__`.
    pub has_slots: bool,
}

/// Reads the class at `addr` in the interpreter at `interp`. `name_of_type` gives the name of the type at an
/// address.
///
/// Fails only when its head cannot be read or when it is no type; every other loss stands in the field that it
/// befell.
pub fn read_class<M: Memory>(
    memory: &M,
    layout: &Layout,
    interp: u64,
    addr: u64,
    mut name_of_type: impl FnMut(u64) -> Known<String>,
) -> Known<Class> {
    let objects = Objects::new(memory, layout);
    if !objects.is_type(addr)? {
        return Err(Unknown::WrongType);
    }
    let flags = objects.flags_of_type(addr)?;
    let [bases, mro] = lineage(&objects, addr, &mut name_of_type);
    let attributes = namespace(&objects, interp, addr, flags)
        .and_then(|dict| read_attributes(&objects, dict, &mut name_of_type));
    let form = attributes.as_ref().map_err(|reason| *reason).and_then(|found| {
        let is_enum =
            objects.is_derived_from(addr, "EnumMeta")? || objects.is_derived_from(addr, "EnumType")?;
        found.form(is_enum, flags & TUPLE_SUBCLASS != 0)
    });
    Ok(Class { bases, mro, instance_names: read_instance_names(&objects, addr, flags), attributes, form })
}

/// `__bases__` and `__mro__` of the class at `addr` alone, by name.
///
/// Fails when it is no type, and when one of them cannot be read.
pub fn read_lineage<M: Memory>(
    memory: &M,
    layout: &Layout,
    addr: u64,
    mut name_of_type: impl FnMut(u64) -> Known<String>,
) -> Known<[Vec<String>; 2]> {
    let objects = Objects::new(memory, layout);
    if !objects.is_type(addr)? {
        return Err(Unknown::WrongType);
    }
    let [bases, mro] = lineage(&objects, addr, &mut name_of_type);
    Ok([bases?, mro?])
}

/// `__bases__` and `__mro__`.
fn lineage<M: Memory>(
    objects: &Objects<'_, M>,
    addr: u64,
    name_of_type: &mut impl FnMut(u64) -> Known<String>,
) -> [Known<Vec<String>>; 2] {
    [objects.layout.type_bases, objects.layout.type_mro]
        .map(|at| read_types(objects, addr, at)?.into_iter().map(&mut *name_of_type).collect())
}

/// The types in the tuple that the field `at` of the type at `addr` leads to.
pub(super) fn read_types<M: Memory>(objects: &Objects<'_, M>, addr: u64, at: u32) -> Known<Vec<u64>> {
    let types = objects.items(objects.u64(addr, at)?)?;
    if types.len() > MAX_BASES { Err(Unknown::TooLong) } else { Ok(types) }
}

fn read_instance_names<M: Memory>(objects: &Objects<'_, M>, addr: u64, flags: u64) -> Known<Vec<Text>> {
    if flags & HEAP_TYPE == 0 {
        return Ok(Vec::new());
    }
    match objects.u64(addr, objects.layout.heap_type_cached_keys)? {
        0 => Ok(Vec::new()),
        keys => objects.shared_names(keys)?.into_iter().map(|name| objects.str(name)).collect(),
    }
}

fn read_attributes<M: Memory>(
    objects: &Objects<'_, M>,
    dict: u64,
    name_of_type: &mut impl FnMut(u64) -> Known<String>,
) -> Known<Attributes> {
    let before = objects.dict_start(dict, MAX_ATTRIBUTES)?;
    let length = objects.dict_length(dict)?;
    let (mut found, mut names) = (Attributes { rest: length, ..Attributes::default() }, 0);
    for (key, value) in &before.items {
        if names > MAX_NAMES {
            break;
        }
        found.rest = found.rest.saturating_sub(1);
        let name = match objects.str(*key) {
            Err(Unknown::WrongType) => continue,
            name => name?,
        };
        names += name.value.len();
        let kind = name_of_type(objects.u64(*value, objects.layout.object_type)?)?;
        let is_slot = kind == MEMBER && read_offset(objects, *value)?.is_some();
        found.list.push(Attribute { name, kind, is_slot, value: *value });
    }
    objects.memory.forget();
    if objects.dict_start(dict, MAX_ATTRIBUTES)? != before || objects.dict_length(dict)? != length {
        return Err(Unknown::Torn);
    }
    Ok(found)
}
