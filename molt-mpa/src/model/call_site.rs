//! Call sites: places in the code from which calls were seen, with what was called.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Observation;
use crate::ids::Sha256Hash;

/// One place in the code from which a call was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSite {
    /// See [`crate::ids::SiteId`].
    pub id: Sha256Hash,
    /// What the id is made from, where it is not the code's own columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_basis: Option<IdBasis>,
    /// As in [`super::Module::file`].
    pub file: String,
    /// First line of the call expression, from 1.
    pub line: u32,
    /// Column of its first byte in that line's UTF-8, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub col: Option<u32>,
    /// Its last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// Column after its last byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_col: Option<u32>,
    /// Its source text. It holds literals, so it is written with [`super::Policy::None`] only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// The symbol whose code calls.
    pub caller: String,
    /// The caller's code object, where the caller has several or the id needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_hash: Option<Sha256Hash>,
    /// Byte offset of the call instruction in `co_code`; only where the id is made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// How its calls were seen.
    pub observation: Observation,
    /// What was called: the most often seen first, then by symbol.
    pub targets: Vec<CallTarget>,
    /// Signatures beyond the [`super::MAX_SIGNATURES`] commonest of this site.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub signatures_dropped: u64,
}

/// What a call site's id is made from, where the code itself does not have columns and its source at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdBasis {
    /// Column and text were found by parsing the source at the instruction's line (Python before 3.11). The
    /// id is then the one that a later Python gives to the same place.
    Line,
    /// Columns are known, the source is not: begin and end of the expression stand for its text.
    Position,
    /// Neither is known: the caller's code hash and the instruction's offset stand for the place.
    Code,
}

/// One callee of a call site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTarget {
    /// By `module.qualname`.
    pub symbol: String,
    /// What it is.
    pub kind: TargetKind,
    /// How its calls were seen, where that is not how the site's were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Observation>,
    /// Calls seen; where they are sampled, samples that met the call on a stack.
    pub count: u64,
    /// Calls of the whole run, estimated from those in windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_est: Option<u64>,
    /// The commonest first, then by arguments and return type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
    /// Calls counted without types: a table was full.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub undetailed: u64,
    /// Calls that ended in an exception, where ends of calls are seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<u64>,
    /// The same by the exception's type; `?` is one that could not be read, `...` those beyond the
    /// first 64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exception_types: BTreeMap<String, u64>,
}

/// What a callee is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// Has Python code: the symbol stands in `symbols`.
    Py,
    /// A builtin function or method.
    Builtin,
    /// A class.
    Class,
    /// Another callable written in C.
    C,
}

/// Types that one call was seen with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signature {
    /// In parameter order as bound at entry, `self` included, `*args` as `*tuple[...]`, `**kwargs` as
    /// `**dict[...]`. `?` is a slot that could not be read; `~` after a type says that the slot may have been
    /// rebound before it was seen. A last `...` stands for parameters that were not looked at.
    pub args: Vec<String>,
    /// Absent where no return was seen: the call ended in an exception, or its end was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ret: Option<String>,
    /// How often it was seen.
    pub count: u64,
}
