//! A class as the artifact tells of it.

use crate::aggregate::calls::{Calls, TypeId};
use crate::aggregate::types::{ClassAttribute, ClassFacts};
use crate::cpython::layout::Layout;
use crate::cpython::object::TYPE_SUBCLASS;
use crate::cpython::{Known, Unknown};
use crate::symbolize::memory::Recent;
use crate::symbolize::types::{
    Class, ClassState, Slot, class_state, read_class, read_lineage, read_slots, read_type, read_type_name,
};
use molt_common::walk::Memory;
use molt_mpa::model::{TypeForm, TypeKind};
use std::collections::HashMap;

/// `Py_TPFLAGS_BASE_EXC_SUBCLASS` (`Include/object.h`).
const EXCEPTION_SUBCLASS: u64 = 1 << 30;

/// A class that was read.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) facts: ClassFacts,
    /// Attributes that it has beyond those that are listed.
    pub(super) rest: u64,
    /// `None` of a static type.
    pub(super) heap: Option<HeapFacts>,
}

/// What only classes made at run time have.
#[derive(Debug)]
pub(super) struct HeapFacts {
    pub(super) state: ClassState,
    pub(super) slots: Vec<Slot>,
    /// Whether its instances are classes.
    pub(super) is_metaclass: bool,
}

/// Names of types by their addresses.
pub(super) type Names = HashMap<u64, Known<String>>;

/// The name of the type at `kind`, read when it is asked for first.
pub(super) fn named<M: Memory>(names: &mut Names, memory: &M, layout: &Layout, kind: u64) -> Known<String> {
    names.entry(kind).or_insert_with(|| read_type_name(memory, layout, kind)).clone()
}

/// Reads the type at `addr` in the interpreter at `interp`. `calls` numbers the names of types.
///
/// Fails when a part of it cannot be read, and when what is there contradicts what `type` keeps to.
pub(super) fn describe<M: Memory>(
    memory: &M,
    layout: &Layout,
    interp: u64,
    addr: u64,
    names: &mut Names,
    calls: &mut Calls,
) -> Known<Described> {
    let recent = &Recent::new(memory);
    let object = read_type(recent, layout, addr)?;
    let name = object.name.text()?;
    let mut name_of = |kind| named(names, recent, layout, kind);
    let mut described = if object.kind == TypeKind::Heap {
        let state = class_state(recent, layout, addr, None)?;
        let class = read_class(recent, layout, interp, addr, &mut name_of)?;
        let slots = read_slots(recent, layout, addr)?;
        let is_metaclass = object.flags & TYPE_SUBCLASS != 0;
        let rest = class.attributes.as_ref().map_or(0, |attributes| attributes.rest);
        let heap = Some(HeapFacts { state, slots, is_metaclass });
        Described { facts: of_class(name, class, calls)?, rest, heap }
    } else {
        let [bases, mro] = read_lineage(recent, layout, addr, name_of)?.map(|names| ids(&names, calls));
        let (kind, forms, attributes) = (TypeKind::Static, Vec::new(), Vec::new());
        let facts = ClassFacts { name, kind, metaclass: None, forms, bases, mro, attributes };
        Described { facts, rest: 0, heap: None }
    };
    let facts = &mut described.facts;
    let metaclass = object.metaclass.text()?;
    facts.metaclass = (metaclass != "type").then(|| calls.type_id(&metaclass));
    if object.flags & EXCEPTION_SUBCLASS != 0 {
        facts.forms.push(TypeForm::Exception);
    }
    // A metaclass may do what it likes.
    let begins = facts.mro.first().is_some_and(|first| calls.type_name(*first) == facts.name);
    let is_whole = facts.bases.iter().all(|base| facts.mro.contains(base));
    if facts.metaclass.is_some() || begins && is_whole { Ok(described) } else { Err(Unknown::Malformed) }
}

fn of_class(name: String, class: Class, calls: &mut Calls) -> Known<ClassFacts> {
    let form = class.form.unwrap_or_default();
    let forms = [
        (form.is_dataclass, TypeForm::Dataclass),
        (form.is_enum, TypeForm::Enum),
        (form.is_named_tuple, TypeForm::NamedTuple),
        (form.has_slots, TypeForm::Slots),
    ];
    let attributes = class.attributes?.list.into_iter().map(|attribute| ClassAttribute {
        name: attribute.name.value.into(),
        kind: calls.type_id(&attribute.kind),
        is_slot: attribute.is_slot,
        value: attribute.value,
    });
    let attributes = attributes.collect();
    Ok(ClassFacts {
        name,
        kind: TypeKind::Heap,
        metaclass: None,
        forms: forms.into_iter().filter(|(is, _)| *is).map(|(_, form)| form).collect(),
        bases: ids(&class.bases?, calls),
        mro: ids(&class.mro?, calls),
        attributes,
    })
}

fn ids(names: &[String], calls: &mut Calls) -> Vec<TypeId> {
    names.iter().map(|name| calls.type_id(name)).collect()
}
