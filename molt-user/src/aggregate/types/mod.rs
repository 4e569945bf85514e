//! Classes that were looked at, and their instances.

mod instances;
mod section;
#[cfg(test)]
mod tests;

use super::calls::TypeId;
use instances::{Added, Instances};
use molt_mpa::model::{MutationKind, TypeForm, TypeKind};
use std::collections::BTreeMap;

/// Most classes of a run; a large program has some thousands. What is met of others is counted only.
pub const MAX_CLASSES: usize = 20_000;
/// Most attributes of all of them, those of their instances included.
const MAX_ATTRIBUTES: usize = 1 << 20;
/// Most bytes of all names: 60 for each attribute.
const MAX_BYTES: usize = 64 << 20;
/// Most different attributes that change, over all classes.
const MAX_MUTATIONS: usize = 1 << 15;
/// Longest name of an attribute in bytes: what is longer is no name of the program's text.
const MAX_NAME: usize = 1024;

/// A class in [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassId(u32);

/// What a look at a class showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFacts {
    /// Its name, as calls have it.
    pub name: String,
    /// How it is made.
    pub kind: TypeKind,
    /// Its own type, where that is not `type`.
    pub metaclass: Option<TypeId>,
    /// What it was written as.
    pub forms: Vec<TypeForm>,
    /// `__bases__`.
    pub bases: Vec<TypeId>,
    /// `__mro__`.
    pub mro: Vec<TypeId>,
    /// Its own attributes; none of a static type.
    pub attributes: Vec<ClassAttribute>,
}

/// An attribute of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassAttribute {
    /// Its name.
    pub name: Box<str>,
    /// The type of its value.
    pub kind: TypeId,
    /// Whether it is a slot of instances.
    pub is_slot: bool,
    /// What tells its value from another one: its address.
    pub value: u64,
}

/// An attribute of an instance, as a look at one showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Box<str>,
    /// The type of its value.
    pub kind: TypeId,
    /// Whether it is in a slot.
    pub is_slot: bool,
}

/// Classes, as they are found.
#[derive(Clone, Debug, Default)]
pub struct Types {
    classes: Vec<Class>,
    attributes: usize,
    /// Of names of classes and attributes.
    bytes: usize,
    mutations: usize,
    /// How often an instance of the class of a name was seen to get another one.
    left: BTreeMap<String, u64>,
    unlisted: BTreeMap<&'static str, u64>,
}

/// One class of one process.
#[derive(Clone, Debug)]
struct Class {
    process: u32,
    facts: ClassFacts,
    /// All of its attributes are kept.
    is_whole: bool,
    instances: Instances,
    mutations: BTreeMap<(Box<str>, MutationKind), u64>,
}

impl Types {
    /// Adds a class of process `process`. There may be no room for it.
    pub fn add(&mut self, process: u32, facts: ClassFacts) -> Option<ClassId> {
        let has_room = self.classes.len() < MAX_CLASSES && self.bytes < MAX_BYTES;
        let Some(id) = u32::try_from(self.classes.len()).ok().filter(|_| has_room) else {
            self.leave_out("further_type", 1);
            return None;
        };
        let (instances, mutations) = (Instances::default(), BTreeMap::new());
        let class = Class { process, facts, is_whole: true, instances, mutations };
        self.classes.push(class);
        self.bound(ClassId(id));
        Some(ClassId(id))
    }

    /// What a later look at the class showed, which is what counts. If it was `built` by the look before, then what
    /// differs is a change of it.
    pub fn update(&mut self, id: ClassId, facts: ClassFacts, built: bool) {
        let Some(class) = self.classes.get_mut(id.0 as usize) else { return };
        self.attributes = self.attributes.saturating_sub(class.facts.attributes.len());
        self.bytes = self.bytes.saturating_sub(class.facts.bytes());
        let comparable = built && class.is_whole;
        let before = std::mem::replace(&mut class.facts, facts);
        self.bound(id);
        let Some(class) = self.classes.get(id.0 as usize).filter(|class| comparable && class.is_whole) else {
            return;
        };
        for (attribute, kind) in changes(&before, &class.facts) {
            self.mutated(id, &attribute, kind);
        }
    }

    /// What tells the values of the class's attributes from others: their addresses.
    pub fn values(&self, id: ClassId) -> Vec<u64> {
        let class = self.classes.get(id.0 as usize);
        class.into_iter().flat_map(|class| &class.facts.attributes).map(|attribute| attribute.value).collect()
    }

    /// Counts an instance of the class, with what it had: slots, then attributes in their order. `rest`: there are more.
    pub fn instance(&mut self, id: ClassId, fields: Vec<Field>, rest: bool) {
        let Some(class) = self.classes.get_mut(id.0 as usize) else { return };
        let looked_at = fields.len();
        let fields: Vec<_> = fields.into_iter().filter(|field| field.name.len() <= MAX_NAME).collect();
        let long = looked_at - fields.len();
        let room = if self.bytes < MAX_BYTES { MAX_ATTRIBUTES.saturating_sub(self.attributes) } else { 0 };
        let Added { new, bytes, left_out } = class.instances.add(&fields, room);
        self.attributes += new;
        self.bytes += bytes;
        let rest = u64::from(rest) + (long + left_out) as u64;
        self.leave_out("further_attribute", rest);
    }

    /// An instance of a class of this name got another class.
    pub fn left(&mut self, name: &str) {
        if let Some(count) = self.left.get_mut(name) {
            *count += 1;
        } else if self.left.len() < MAX_CLASSES && name.len() <= MAX_NAME {
            self.left.insert(name.to_owned(), 1);
        } else {
            self.leave_out("further_mutation", 1);
        }
    }

    fn mutated(&mut self, id: ClassId, attribute: &str, kind: MutationKind) {
        let Some(class) = self.classes.get_mut(id.0 as usize) else { return };
        let key = (attribute.into(), kind);
        if !class.mutations.contains_key(&key) {
            if self.mutations >= MAX_MUTATIONS {
                return self.leave_out("further_mutation", 1);
            }
            self.mutations += 1;
        }
        *class.mutations.entry(key).or_default() += 1;
    }

    /// What was left out, by cause.
    pub fn unlisted(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.unlisted.iter().map(|(cause, count)| (*cause, *count))
    }

    /// Counts what there is no room for, or what could not be read.
    pub fn leave_out(&mut self, cause: &'static str, count: u64) {
        if count > 0 {
            let sum = self.unlisted.entry(cause).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    /// Takes as many of a class's attributes as there is room for.
    fn bound(&mut self, id: ClassId) {
        let Some(class) = self.classes.get_mut(id.0 as usize) else { return };
        let attributes = &mut class.facts.attributes;
        let all = attributes.len();
        let (mut room, mut bytes) = (MAX_ATTRIBUTES.saturating_sub(self.attributes), self.bytes);
        attributes.retain(|attribute| {
            let fits = attribute.name.len() <= MAX_NAME && room > 0 && bytes < MAX_BYTES;
            if fits {
                room -= 1;
                bytes += attribute.name.len();
            }
            fits
        });
        self.attributes += attributes.len();
        class.is_whole = attributes.len() == all;
        let left_out = all - attributes.len();
        self.bytes += class.facts.bytes();
        self.leave_out("further_attribute", left_out as u64);
    }
}

impl ClassFacts {
    /// Bytes of its names.
    fn bytes(&self) -> usize {
        self.name.len() + self.attributes.iter().map(|attribute| attribute.name.len()).sum::<usize>()
    }
}

/// What a class has now that it had not `before`, and the other way round.
fn changes(before: &ClassFacts, now: &ClassFacts) -> Vec<(Box<str>, MutationKind)> {
    let by_name = |facts: &ClassFacts| -> BTreeMap<Box<str>, u64> {
        facts.attributes.iter().map(|attribute| (attribute.name.clone(), attribute.value)).collect()
    };
    let (mut old, new) = (by_name(before), by_name(now));
    let mut found = Vec::new();
    for (name, value) in new {
        match old.remove(&name) {
            None => found.push((name, MutationKind::Add)),
            Some(other) if other != value => found.push((name, MutationKind::Rebind)),
            Some(_) => {}
        }
    }
    found.extend(old.into_keys().map(|name| (name, MutationKind::Delete)));
    if before.bases != now.bases {
        found.push(("__bases__".into(), MutationKind::Rebind));
    }
    found
}
