//! Containers that were looked into, by the place where they were met.
//!
//! Keys of dicts are the program's data: they are kept as they are until the artifact is made, which is when
//! they are redacted, and no more of them than [`keys::MAX_BYTES`].

mod dict;
mod elements;
mod keys;
mod section;
mod span;

use super::calls::TypeId;
use super::tally::{CodeId, SiteKey};
use dict::Dicts;
use elements::Elements;
use keys::{KeyId, Keys};
use std::collections::BTreeMap;

/// Most different places. What is met at others is counted only.
const MAX_PLACES: usize = 1 << 16;

/// Where a container was met.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// As a parameter at entry, by its name.
    Param(CodeId, String),
    /// As what the function returned.
    Returned(CodeId),
    /// As a site's argument, from 0.
    Argument(SiteKey, u32),
    /// As what the calls of a site returned.
    Result(SiteKey),
}

/// What a look into a container showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its elements, or keys and values.
    pub length: u64,
    /// Those looked at.
    pub contents: Contents,
}

/// What was looked at in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Keys and types of values.
    Dict(Vec<(Key, TypeId)>),
    /// Types of a list's elements.
    List(Vec<TypeId>),
    /// Types of a tuple's elements.
    Tuple(Vec<TypeId>),
    /// Types of a set's elements.
    Set(Vec<TypeId>),
}

/// A key of a dict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A str.
    Str(String),
    /// An object of another type, or one that could not be read.
    Other(TypeId),
}

/// Containers, as they are found.
#[derive(Debug, Default)]
pub struct Containers {
    keys: Keys,
    places: BTreeMap<Place, Facts>,
    unplaced: u64,
}

/// Containers of one place.
#[derive(Clone, Debug, Default)]
struct Facts {
    count: u64,
    dict: Option<Dicts>,
    list: Option<Elements>,
    tuple: Option<Elements>,
    set: Option<Elements>,
}

impl Containers {
    /// Counts a look into a container.
    pub fn add(&mut self, place: Place, look: &Look) {
        if self.places.len() >= MAX_PLACES && !self.places.contains_key(&place) {
            self.unplaced += 1;
            return;
        }
        let facts = self.places.entry(place).or_default();
        facts.count += 1;
        let (elements, types) = match &look.contents {
            Contents::Dict(items) => {
                facts.dict.get_or_insert_default().add(look.length, items, &mut self.keys);
                return;
            }
            Contents::List(types) => (&mut facts.list, types),
            Contents::Tuple(types) => (&mut facts.tuple, types),
            Contents::Set(types) => (&mut facts.set, types),
        };
        elements.get_or_insert_default().add(look.length, types);
    }

    /// Containers left out because they were met at too many different places.
    pub fn unplaced(&self) -> u64 {
        self.unplaced
    }
}

impl Facts {
    /// Counts what was found at another place of the same name as well.
    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        if let Some(dicts) = &other.dict {
            self.dict.get_or_insert_default().merge(dicts);
        }
        for (mine, other) in
            [(&mut self.list, &other.list), (&mut self.tuple, &other.tuple), (&mut self.set, &other.set)]
        {
            if let Some(other) = other {
                mine.get_or_insert_default().merge(other);
            }
        }
    }
}

#[cfg(test)]
mod tests;
