//! Containers: what dicts, lists, tuples and sets held at the places where they were seen.
use serde::{Deserialize, Serialize};

use super::Observation;

/// Containers seen at one place. Places are:
///
/// | key | place |
/// |---|---|
/// | `ID#arg:N` | argument `N`, from 0, of the call site with that id |
/// | `ID#ret` | what the call site's calls returned |
/// | `SYMBOL#param:NAME` | a parameter at entry |
/// | `SYMBOL#local:NAME` | a local variable |
/// | `SYMBOL#ret` | what the function returned |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// How they were seen.
    pub observation: Observation,
    /// Containers seen.
    pub count: u64,
    /// Where dicts were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dict: Option<DictFacts>,
    /// Where lists were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ElementFacts>,
    /// Where tuples were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuple: Option<ElementFacts>,
    /// Where sets were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<ElementFacts>,
}

/// What dicts of one place held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DictFacts {
    /// The commonest first, then by keys.
    pub key_sets: Vec<KeySet>,
    /// Key sets beyond [`super::MAX_KEY_SETS`], and dicts with a set that there was no room to tell apart.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub key_sets_dropped: u64,
    /// Whether every key looked at was a str.
    pub all_keys_str: bool,
    /// Shortest and longest.
    pub length: LengthRange,
    /// Keys looked at.
    pub looked_at: u64,
}

/// One set of keys that dicts were seen with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeySet {
    /// Keys that are str, each redacted, then sorted.
    pub keys: Vec<String>,
    /// Types of the keys that are not, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_types: Vec<String>,
    /// Keys beyond [`super::MAX_KEYS`].
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub keys_dropped: u64,
    /// Types of the values, sorted. Of very many, `...` stands for those that are not named.
    pub value_types: Vec<String>,
    /// Dicts seen with this set.
    pub count: u64,
}

/// What lists, tuples or sets of one place held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementFacts {
    /// Types of the elements, sorted. Of very many, `...` stands for those that are not named.
    pub element_types: Vec<String>,
    /// Whether each container looked at had elements of one type only.
    pub homogeneous: bool,
    /// Shortest and longest.
    pub length: LengthRange,
    /// Elements looked at.
    pub looked_at: u64,
}

/// Shortest and longest length seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LengthRange {
    /// Shortest.
    pub min: u64,
    /// Longest.
    pub max: u64,
}
