//! Instances of one class: which attributes they have, in which order, with values of which types.

use super::{Field, TypeId};
use std::collections::{BTreeMap, BTreeSet};

/// Most types of one attribute's values that are told apart; `...` stands for the others.
const MAX_TYPES: usize = 64;
/// Most different attributes of the instances of one class: those whose names are made up have no end.
const MAX_FIELDS: usize = 1000;

/// Instances of one class.
#[derive(Clone, Debug, Default)]
pub(super) struct Instances {
    pub(super) count: u64,
    pub(super) fields: BTreeMap<Box<str>, Values>,
    /// Names of slots, in the order of the class.
    slots: Vec<Box<str>>,
    /// Names of other attributes: those of the instance that has most.
    order: Vec<Box<str>>,
    is_unstable: bool,
}

/// What an instance has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Added {
    /// Attributes with names that were not known.
    pub(super) new: usize,
    /// Bytes of these names.
    pub(super) bytes: usize,
    /// Attributes that there was no room for.
    pub(super) left_out: usize,
}

/// What instances have under one name.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub(super) count: u64,
    pub(super) types: BTreeSet<TypeId>,
    pub(super) is_slot: bool,
}

impl Values {
    fn add(&mut self, kind: TypeId) {
        let is_known = self.types.contains(&kind);
        self.types.insert(if is_known || self.types.len() < MAX_TYPES { kind } else { TypeId::FURTHER });
    }
}

impl Instances {
    /// Counts an instance. Attributes with new names are left out where there is no `room` for more of them.
    pub(super) fn add(&mut self, fields: &[Field], room: usize) -> Added {
        let mut added = Added::default();
        self.count += 1;
        for field in fields {
            let is_new = !self.fields.contains_key(&field.name);
            if is_new && (added.new >= room || self.fields.len() >= MAX_FIELDS) {
                added.left_out += 1;
                continue;
            }
            if is_new {
                added.new += 1;
                added.bytes += field.name.len();
            }
            let values = self.fields.entry(field.name.clone()).or_default();
            values.count += 1;
            values.is_slot = field.is_slot;
            values.add(field.kind);
        }
        self.arrange(fields);
        added
    }

    /// Counts the instances of another class of the same name.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.count += other.count;
        self.is_unstable |= other.is_unstable;
        self.extend(&other.order);
        for slot in &other.slots {
            self.slot(slot);
        }
        for (name, found) in &other.fields {
            let values = self.fields.entry(name.clone()).or_default();
            values.count += found.count;
            values.is_slot |= found.is_slot;
            found.types.iter().for_each(|kind| values.add(*kind));
        }
    }

    /// Whether every instance had its attributes in the same order; not known when none was seen.
    pub(super) fn is_stable(&self) -> Option<bool> {
        (self.count > 0).then_some(!self.is_unstable)
    }

    /// The attributes in a stable layout.
    pub(super) fn layout(&self) -> Vec<String> {
        let names = self.slots.iter().chain(&self.order);
        if self.is_unstable { Vec::new() } else { names.map(ToString::to_string).collect() }
    }

    /// Notes the order of those attributes that there was room for.
    fn arrange(&mut self, fields: &[Field]) {
        let known = fields.iter().filter(|field| self.fields.contains_key(&field.name));
        let (slots, others): (Vec<&Field>, Vec<_>) = known.partition(|field| field.is_slot);
        for field in slots {
            self.slot(&field.name);
        }
        let names: Vec<_> = others.into_iter().map(|field| &field.name).collect();
        self.extend(&names);
    }

    /// Slots are at fixed places: one that is not set changes no order.
    fn slot(&mut self, name: &str) {
        if self.slots.iter().all(|known| **known != *name) {
            self.slots.push(name.into());
        }
    }

    /// An instance that is being made has the first of the attributes that it will have.
    fn extend(&mut self, names: &[impl AsRef<str>]) {
        self.is_unstable |= self.order.iter().zip(names).any(|(one, other)| **one != *other.as_ref());
        let known = self.order.len();
        let further = names.iter().skip(known);
        self.order.extend(further.map(|name| name.as_ref().into()));
    }
}
