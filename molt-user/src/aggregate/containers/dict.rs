//! Dicts of one place.

use super::span::{Span, Types};
use super::{Key, KeyId, Keys};
use crate::aggregate::calls::{Calls, TypeId};
use molt_mpa::model::{DictFacts, KeySet, MAX_KEYS};
use molt_mpa::redact::{Category, Redactor};
use std::collections::{BTreeMap, BTreeSet};

/// Most different key sets of a place that are told apart, of which an artifact shows 32.
const MAX_SETS: usize = 64;

/// Dicts of one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Dicts {
    sets: BTreeMap<Set, SetFacts>,
    /// Dicts whose key set was not kept for want of room.
    dropped: u64,
    other_keys: bool,
    length: Span,
    looked_at: u64,
}

/// The keys of a dict. Of dicts with more than were looked at, those that begin alike are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Set {
    keys: Box<[KeyId]>,
    others: Types,
    cut: bool,
}

/// Dicts with one set of keys.
#[derive(Clone, Debug, Default)]
struct SetFacts {
    count: u64,
    /// Keys that were not looked at, of the largest dict.
    dropped: u64,
    values: Types,
}

impl Dicts {
    pub(super) fn add(&mut self, length: u64, items: &[(Key, TypeId)], known: &mut Keys) {
        let items = items.get(..MAX_KEYS).unwrap_or(items);
        self.length.add(length);
        self.looked_at += items.len() as u64;
        self.other_keys |= items.iter().any(|(key, _)| matches!(key, Key::Other(_)));
        let (mut keys, mut others, mut facts) = (BTreeSet::new(), Types::default(), SetFacts::default());
        for (key, value) in items {
            facts.values.add(*value);
            match key {
                Key::Other(id) => others.add(*id),
                Key::Str(key) => {
                    let Some(id) = known.intern(key) else {
                        self.dropped += 1;
                        return;
                    };
                    keys.insert(id);
                }
            }
        }
        facts.count = 1;
        facts.dropped = length.saturating_sub(items.len() as u64);
        let set = Set { keys: keys.into_iter().collect(), others, cut: facts.dropped > 0 };
        self.add_set(&set, &facts);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.length.merge(other.length);
        self.looked_at += other.looked_at;
        self.other_keys |= other.other_keys;
        self.dropped += other.dropped;
        for (set, facts) in &other.sets {
            self.add_set(set, facts);
        }
    }

    fn add_set(&mut self, set: &Set, facts: &SetFacts) {
        if self.sets.len() >= MAX_SETS && !self.sets.contains_key(set) {
            self.dropped += facts.count;
            return;
        }
        let known = self.sets.entry(set.clone()).or_default();
        known.count += facts.count;
        known.dropped = known.dropped.max(facts.dropped);
        known.values.merge(&facts.values);
    }

    /// The artifact's facts, with every key set that was kept: the artifact caps them.
    pub(super) fn facts(&self, calls: &Calls, known: &Keys, redactor: &mut Redactor) -> DictFacts {
        let mut key_set = |(set, facts): (&Set, &SetFacts)| KeySet {
            keys: set.keys.iter().map(|id| redactor.redact(Category::DictKey, known.key(*id))).collect(),
            key_types: set.others.names(calls),
            keys_dropped: facts.dropped,
            value_types: facts.values.names(calls),
            count: facts.count,
        };
        DictFacts {
            key_sets: self.sets.iter().map(&mut key_set).collect(),
            key_sets_dropped: self.dropped,
            all_keys_str: !self.other_keys,
            length: self.length.range(),
            looked_at: self.looked_at,
        }
    }
}
