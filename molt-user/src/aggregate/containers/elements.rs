//! Lists, tuples or sets of one place.

use super::span::{Span, Types};
use crate::aggregate::calls::{Calls, TypeId};
use molt_mpa::model::ElementFacts;

/// Lists, tuples or sets of one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Elements {
    types: Types,
    mixed: bool,
    length: Span,
    looked_at: u64,
}

impl Elements {
    pub(super) fn add(&mut self, length: u64, types: &[TypeId]) {
        for id in types {
            self.types.add(*id);
        }
        self.mixed |= types.windows(2).any(|pair| matches!(pair, [one, other] if one != other));
        self.length.add(length);
        self.looked_at += types.len() as u64;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.types.merge(&other.types);
        self.mixed |= other.mixed;
        self.length.merge(other.length);
        self.looked_at += other.looked_at;
    }

    pub(super) fn facts(&self, calls: &Calls) -> ElementFacts {
        ElementFacts {
            element_types: self.types.names(calls),
            homogeneous: !self.mixed,
            length: self.length.range(),
            looked_at: self.looked_at,
        }
    }
}
