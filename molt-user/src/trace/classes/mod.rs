//! The classes of one process: those whose instances were met, and those of the program's own modules.
//!
//! They are read at looks, each of which costs no more than it is allowed: what it did not come to is left to the next
//! one. Between two looks a class is compared with what it was, at the price of two reads where it has not changed.

mod describe;
mod instances;
mod look;
mod own;

pub(super) use look::{Allowance, Look, Place};

use crate::aggregate::types::ClassId;
use crate::symbolize::types::{ClassState, Slot};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The cause under which types are lost that could not be read.
pub(super) const UNREAD_TYPE: &str = "unread_type";
/// Most classes of one process that are looked at or remembered.
const MAX_KNOWN: usize = 1 << 16;
/// Most instances met at calls that wait to be looked at.
const MAX_WAITING: usize = 256;
/// Most instances of one class that are looked at in a run, and how many of them as they come with calls.
const MAX_INSTANCES: u32 = 1000;
const MAX_AT_CALLS: u32 = 32;

/// What is known of the classes of a process.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// Those that were read, by their addresses.
    known: BTreeMap<u64, Seen>,
    /// Those that are to be read, each of them once.
    waiting: VecDeque<u64>,
    /// Those for which a look while the program runs is not enough.
    costly: VecDeque<u64>,
    queued: BTreeSet<u64>,
    /// Those that are nothing to us, with their namespaces.
    foreign: BTreeMap<u64, u64>,
    /// Namespaces of modules that were gone through: where their keys are, and how many.
    namespaces: BTreeMap<u64, (u64, u64)>,
    /// Instances that came with calls, and their classes.
    instances: VecDeque<(u64, u64)>,
    /// The last class that was compared with what it was before.
    compared: u64,
}

/// A class that was read.
#[derive(Debug)]
struct Seen {
    id: ClassId,
    name: String,
    /// `None` of static types, which do not change, and whose instances are not looked at.
    heap: Option<Heap>,
}

/// What there is to know of a class made at run time.
#[derive(Debug)]
struct Heap {
    state: ClassState,
    /// Whether it was built when it was read: one whose first instance has just been met may not be.
    built: bool,
    slots: Vec<Slot>,
    /// How many of its instances were looked at. Those of a metaclass are classes, and are not.
    sampled: u32,
}

impl Classes {
    /// Notes a type whose instances were met.
    pub(super) fn meet(&mut self, class: u64) {
        if self.known.len() + self.queued.len() < MAX_KNOWN && self.queued.insert(class) {
            self.waiting.push_back(class);
        }
    }

    /// Whether an instance of the class at `class` is worth a look.
    pub(super) fn wants_instance(&self, class: u64) -> bool {
        let sampled = self.known.get(&class).map_or(Some(0), |seen| Some(seen.heap.as_ref()?.sampled));
        self.instances.len() < MAX_WAITING && sampled.is_some_and(|sampled| sampled < MAX_AT_CALLS)
    }

    /// Notes an instance that came with a call. It may be half made by now: it is looked at a little later.
    pub(super) fn meet_instance(&mut self, addr: u64, class: u64) {
        self.instances.push_back((addr, class));
    }

    /// How many classes wait that no look has come to.
    pub(super) fn unread(&self) -> u64 {
        (self.waiting.len() + self.costly.len()) as u64
    }

    /// Whether something waits to be looked at.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.instances.is_empty()
    }
}
