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
    /// Counts an instance. Attributes with new names are left out where there is no `room`: how many were new, and
    /// how many left out.
    pub(super) fn add(&mut self, fields: Vec<Field>, room: usize) -> (usize, usize) {
        let (mut new, mut left_out) = (0, 0);
        self.count += 1;
        self.arrange(&fields);
        for field in fields {
            let is_new = !self.fields.contains_key(&field.name);
            if is_new && (new >= room || self.fields.len() >= MAX_FIELDS) {
                left_out += 1;
                continue;
            }
            new += usize::from(is_new);
            let values = self.fields.entry(field.name).or_default();
            values.count += 1;
            values.is_slot = field.is_slot;
            values.add(field.kind);
        }
        (new, left_out)
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
        let names = self.slots.iter().chain(&self.order).filter(|name| self.fields.contains_key(*name));
        if self.is_unstable { Vec::new() } else { names.map(ToString::to_string).collect() }
    }

    fn arrange(&mut self, fields: &[Field]) {
        for field in fields.iter().filter(|field| field.is_slot) {
            self.slot(&field.name);
        }
        let names: Vec<_> = fields.iter().filter(|field| !field.is_slot).map(|field| &field.name).collect();
        self.extend(&names);
    }

    /// Slots are at fixed places: one that is not set changes no order.
    fn slot(&mut self, name: &str) {
        if self.slots.len() < MAX_FIELDS && self.slots.iter().all(|known| **known != *name) {
            self.slots.push(name.into());
        }
    }

    /// An instance that is being made has the first of the attributes that it will have.
    fn extend(&mut self, names: &[impl AsRef<str>]) {
        self.is_unstable |= self.order.iter().zip(names).any(|(one, other)| **one != *other.as_ref());
        let known = self.order.len();
        let further = names.iter().take(MAX_FIELDS).skip(known);
        self.order.extend(further.map(|name| name.as_ref().into()));
    }
}
