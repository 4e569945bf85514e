//! Shortest and longest length, and the types met, both of containers of one kind.

use crate::aggregate::calls::{Calls, TypeId};
use molt_mpa::model::LengthRange;
use std::collections::BTreeSet;

/// Most different types that are told apart at one place.
const MAX_TYPES: usize = 64;

/// Shortest and longest length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span(Option<(u64, u64)>);

impl Span {
    pub(super) fn add(&mut self, length: u64) {
        self.merge(Self(Some((length, length))));
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some((min, max)), Some((other_min, other_max))) => {
                Some((min.min(other_min), max.max(other_max)))
            }
            (one, other) => one.or(other),
        };
    }

    pub(super) fn range(self) -> LengthRange {
        let (min, max) = self.0.unwrap_or_default();
        LengthRange { min, max }
    }
}

/// Types met. Of more than [`MAX_TYPES`] the further ones are one: `...`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Types {
    ids: BTreeSet<TypeId>,
    further: bool,
}

impl Types {
    pub(super) fn add(&mut self, id: TypeId) {
        if self.ids.len() < MAX_TYPES || self.ids.contains(&id) {
            self.ids.insert(id);
        } else {
            self.further = true;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.further |= other.further;
        for id in &other.ids {
            self.add(*id);
        }
    }

    pub(super) fn names(&self, calls: &Calls) -> Vec<String> {
        let ids = self.ids.iter().copied().chain(self.further.then_some(TypeId::FURTHER));
        let mut names: Vec<String> = ids.map(|id| calls.type_name(id).to_owned()).collect();
        names.sort();
        names
    }
}
