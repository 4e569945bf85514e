//! Calls from one site to one callee.

use super::names::{ArgsId, TypeId};
use super::{Count, Outcome};
use std::collections::BTreeMap;

/// Most different pairs of arguments and results that are told apart, of which an artifact shows 32.
const MAX_SIGNATURES: usize = 256;

/// Calls from one site to one callee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// All of them.
    pub calls: Count,
    /// Those without types, and mostly without their end.
    pub undetailed: u64,
    /// Those whose end was seen.
    pub ended: u64,
    /// Those that ended by an exception, by its type.
    pub exceptions: BTreeMap<TypeId, u64>,
    signatures: BTreeMap<(ArgsId, Option<TypeId>), u64>,
}

impl Edge {
    /// Counts calls with these types. Returns how many of them lost their types for want of room.
    pub(super) fn add(&mut self, args: ArgsId, outcome: Outcome, seen: u64) -> u64 {
        let result = match outcome {
            Outcome::Returned(result) => Some(result.unwrap_or(TypeId::UNREAD)),
            Outcome::Raised(_) | Outcome::Open => None,
        };
        if let Outcome::Raised(exception) = outcome {
            *self.exceptions.entry(exception.unwrap_or(TypeId::UNREAD)).or_default() += seen;
        }
        if outcome != Outcome::Open {
            self.ended += seen;
        }
        let full = self.signatures.len() >= MAX_SIGNATURES;
        if full && !self.signatures.contains_key(&(args, result)) {
            self.undetailed += seen;
            return seen;
        }
        *self.signatures.entry((args, result)).or_default() += seen;
        0
    }

    /// Those with types: their arguments and results, and how often.
    pub(super) fn signatures(&self) -> impl Iterator<Item = ((ArgsId, Option<TypeId>), u64)> {
        self.signatures.iter().map(|(signature, count)| (*signature, *count))
    }

    /// Counts what `other` counted as well.
    pub(super) fn merge(&mut self, other: &Self) {
        self.calls = self.calls.plus(other.calls);
        self.undetailed += other.undetailed;
        self.ended += other.ended;
        for (exception, count) in &other.exceptions {
            *self.exceptions.entry(*exception).or_default() += count;
        }
        for (signature, count) in &other.signatures {
            *self.signatures.entry(*signature).or_default() += count;
        }
    }
}
