//! What was done to strings that come from the program's data.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was done to strings that come from the program's data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redactions {
    /// What replaces them.
    pub policy: Policy,
    /// The hash function.
    #[serde(default)]
    pub hash: HashFunction,
    /// Whether the hashes are HMACs keyed with a salt.
    #[serde(default)]
    pub salted: bool,
    /// Strings replaced, by category: `argv`, `dict_key`, `audit_argument`, `env_value`, `path`.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
}

/// What replaces strings from the program's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Their hash: equal strings stay recognisable as equal.
    #[default]
    Hash,
    /// One and the same text.
    Drop,
    /// Nothing: they are kept.
    None,
}

/// The hash function of redaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HashFunction {
    /// SHA-256, or HMAC-SHA256 when salted.
    #[default]
    Sha256,
}
