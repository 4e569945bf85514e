//! Types: what they inherit, which attributes were seen on them, whether they changed.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Observation;

/// A type, by `module.qualname`; types of `builtins` by their name alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeFacts {
    /// How it is made.
    pub kind: TypeKind,
    /// How it was seen: looks at a running program are samples of it.
    pub observation: Observation,
    /// What it was written as, beyond a plain class; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<TypeForm>,
    /// Its own type, where that is not `type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metaclass: Option<String>,
    /// How many classes have the name, where more than one was looked at. What they have is added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<u64>,
    /// By name, as in the class statement.
    pub bases: Vec<String>,
    /// By name, the type itself first.
    pub mro: Vec<String>,
    /// By name; not of static types, which no program changes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, AttributeFacts>,
    /// Attributes of the class that differed between two looks, by attribute, then kind. A change of `__bases__` stands
    /// under that name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutations: Vec<TypeMutation>,
    /// Whether every instance seen had its attributes in the same order: one that has fewer has the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout_stable: Option<bool>,
    /// The attributes in a stable layout: slots first, then in the order of the keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layout: Vec<String>,
    /// Instances looked at; one that was looked at twice counts twice.
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

/// What a class was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeForm {
    /// `@dataclass`.
    Dataclass,
    /// Derived from `enum.Enum`.
    Enum,
    /// Derived from `BaseException`.
    Exception,
    /// A `NamedTuple` or `namedtuple`.
    NamedTuple,
    /// With `__slots__` of its own.
    Slots,
}

/// An attribute seen on a type or its instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeFacts {
    /// Where it lives.
    pub on: AttributePlace,
    /// Types of its values, sorted. None where no instance was seen that has it.
    pub types: Vec<String>,
    /// How many were seen to have it: instances, or, where it is on the class, classes.
    pub count: u64,
    /// Types of the class's own attribute of this name, where instances have one as well: a default. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_types: Vec<String>,
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
