//! Calls from one site to one callee.

use super::names::{ArgsId, TypeId};
use super::{ByException, Count, Outcome};
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
    pub exceptions: ByException<u64>,
    signatures: BTreeMap<(ArgsId, Option<TypeId>), u64>,
}

impl Edge {
    /// Whether types that are not known here yet are told apart.
    pub(super) fn has_room(&self) -> bool {
        self.signatures.len() < MAX_SIGNATURES
    }

    /// Counts calls with these types; `None` are types that there was no room for. Returns how many calls lost
    /// their types.
    pub(super) fn add(&mut self, args: Option<ArgsId>, outcome: Outcome, seen: u64) -> u64 {
        let result = match outcome {
            Outcome::Returned(result) => Some(result.unwrap_or(TypeId::UNREAD)),
            Outcome::Raised(_) | Outcome::Open => None,
        };
        if let Outcome::Raised(exception) = outcome {
            *self.exceptions.of(exception.unwrap_or(TypeId::UNREAD)) += seen;
        }
        if outcome != Outcome::Open {
            self.ended += seen;
        }
        let has_room = self.has_room();
        match args.map(|args| (args, result)) {
            Some(signature) if has_room || self.signatures.contains_key(&signature) => {
                *self.signatures.entry(signature).or_default() += seen;
                0
            }
            _ => {
                self.undetailed += seen;
                seen
            }
        }
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
        for (exception, count) in other.exceptions.iter() {
            *self.exceptions.of(exception) += count;
        }
        for (signature, count) in &other.signatures {
            *self.signatures.entry(*signature).or_default() += count;
        }
    }
}
