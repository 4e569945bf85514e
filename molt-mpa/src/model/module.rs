//! Modules: where they come from, and what changed in them after import.
use serde::{Deserialize, Serialize};

use super::Observation;
use crate::ids::Sha256Hash;

/// A module, by its name (`__main__`, `json.decoder`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// What it is made of.
    pub kind: ModuleKind,
    /// Relative to the import root that it came from (`json/decoder.py`), or a name in angle brackets that
    /// CPython gives to code without a file. A file outside every import root is data: redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Of the source file's bytes, for [`ModuleKind::Py`] when readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_sha256: Option<Sha256Hash>,
    /// The type of the object that `sys.modules` holds under this name in the place of a module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
    /// By attribute, then kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutations: Vec<ModuleMutation>,
}

/// What a module is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleKind {
    /// Python source or byte code in a file, an archive, or given to exec.
    Py,
    /// C code in the interpreter itself.
    Builtin,
    /// C code in a shared library.
    Extension,
    /// Byte code in the interpreter itself.
    Frozen,
    /// A namespace package: no code.
    Namespace,
}

/// Whose a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The interpreter or the standard library.
    Stdlib,
    /// Installed: `site-packages`, `dist-packages`.
    Site,
    /// The program's own.
    App,
}

/// An attribute of a module that changed after its import had finished.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModuleMutation {
    /// The attribute's name.
    pub attr: String,
    /// What was done to it.
    pub kind: MutationKind,
    /// How it was seen.
    pub observation: Observation,
    /// How often it was seen.
    pub count: u64,
    /// Symbols that did it, where known, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// What was done to an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MutationKind {
    /// Set where there was none.
    Add,
    /// Set to another object.
    Rebind,
    /// Deleted.
    Delete,
}
