//! Whether a class is what it was at the look before, at the price of a few reads.

use super::class::{MAX_ATTRIBUTES, read_types};
use crate::cpython::Known;
use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use molt_common::walk::Memory;
use std::hash::{DefaultHasher, Hash, Hasher};

/// `Py_TPFLAGS_VALID_VERSION_TAG` (`Include/object.h`): up to 3.12 the version counts only with it.
const VALID_VERSION: u64 = 1 << 19;

/// The state of a heap type. Two that are equal are of a class with the same attributes and bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassState {
    /// Where its namespace is: another class at its address has another one, as a rule.
    pub namespace: u64,
    /// Its version, which it is given when an attribute of it is looked up, and which every change takes away
    /// (`PyType_Modified` in `Objects/typeobject.c`); no other class and no other state has the same. 0: none.
    version: u64,
    /// Its bases, and its attributes with their values, by their addresses; not looked at where the version tells.
    contents: u64,
}

/// The state of the heap type at `addr`, which was `before` at the look before, if there was one.
pub fn class_state<M: Memory>(
    memory: &M,
    layout: &Layout,
    addr: u64,
    before: Option<&ClassState>,
) -> Known<ClassState> {
    let objects = Objects::new(memory, layout);
    let namespace = objects.u64(addr, layout.type_dict)?;
    let version = objects.u64(addr, layout.type_version_tag)? & u64::from(u32::MAX);
    let is_valid = layout.minor > 12 || objects.flags_of_type(addr)? & VALID_VERSION != 0;
    let version = if is_valid { version } else { 0 };
    if let Some(before) = before
        && (before.namespace, before.version) == (namespace, version)
        && version != 0
    {
        return Ok(*before);
    }
    let mut contents = DefaultHasher::new();
    read_types(&objects, addr, layout.type_bases)?.hash(&mut contents);
    objects.dict_start(namespace, MAX_ATTRIBUTES)?.items.hash(&mut contents);
    Ok(ClassState { namespace, version, contents: contents.finish() })
}

impl ClassState {
    /// Whether the class has changed since it was in the state `before`.
    pub fn differs_from(&self, before: &ClassState) -> bool {
        (self.namespace, self.contents) != (before.namespace, before.contents)
    }
}
