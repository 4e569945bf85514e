//! Types: what they inherit, which attributes were seen on them, whether they changed.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Observation;

/// A type, by `module.qualname`; types of `builtins` by their name alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeFacts {
    /// How it is made.
    pub kind: TypeKind,
    /// How its instances were seen.
    pub observation: Observation,
    /// By name, as in the class statement.
    pub bases: Vec<String>,
    /// By name, the type itself first.
    pub mro: Vec<String>,
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, AttributeFacts>,
    /// By attribute, then kind. Changes of `__bases__` and `__class__` stand under these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutations: Vec<TypeMutation>,
    /// Whether every instance seen had the same attributes in the same order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout_stable: Option<bool>,
    /// Instances looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u64>,
}

/// How a type is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    /// In C, as a constant of a binary.
    Static,
    /// At run time: class statements, and C types made from a specification.
    Heap,
}

/// An attribute seen on a type or its instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeFacts {
    /// Where it lives.
    pub on: AttributePlace,
    /// Types of its values, sorted.
    pub types: Vec<String>,
    /// How often it was seen.
    pub count: u64,
}

/// Where an attribute lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributePlace {
    /// In the instance's dictionary or inline values.
    Instance,
    /// In the class's dictionary.
    Class,
    /// In a slot of the instance.
    Slot,
}

/// A change of a class after it was built.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TypeMutation {
    /// The attribute's name.
    pub attr: String,
    /// What was done to it.
    pub kind: super::MutationKind,
    /// How it was seen.
    pub observation: Observation,
    /// How often it was seen.
    pub count: u64,
}
