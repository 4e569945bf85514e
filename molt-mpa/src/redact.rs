//! What becomes of strings that come from the program's data.
//!
//! Data are: values of argv, keys of dicts, arguments of audit events (paths, hosts, SQL), values of the
//! environment, file paths outside the import roots. Names in the program's own code (modules, functions,
//! attributes, types) are not; what stands in the place of an attribute's name and is none is.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::ids::Sha256Hash;
pub use crate::model::Policy;
use crate::model::{HashFunction, Redactions};

/// What [`Policy::Drop`] puts in place of a string.
pub const DROPPED: &str = "<redacted>";

/// Where a string of the program's data comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// A value of argv.
    Argv,
    /// An argument of an audit event.
    AuditArgument,
    /// A key of a dict.
    DictKey,
    /// The value of an environment variable.
    EnvValue,
    /// A file path outside the import roots.
    Path,
}

impl Category {
    /// Its key in `redactions.counts`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Argv => "argv",
            Self::AuditArgument => "audit_argument",
            Self::DictKey => "dict_key",
            Self::EnvValue => "env_value",
            Self::Path => "path",
        }
    }
}

/// The key of salted hashes. Its text is in no message.
#[derive(Clone)]
pub struct Salt(Hmac<Sha256>);

/// A salt has no bytes, which would be no salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("salt is empty")]
pub struct EmptySalt;

impl Salt {
    /// All of `bytes` is the key; a line end of a salt file belongs to it.
    pub fn new(bytes: &[u8]) -> Result<Self, EmptySalt> {
        if bytes.is_empty() {
            return Err(EmptySalt);
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_any_length_is_a_key| EmptySalt)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Salt")
    }
}

/// Replaces strings by one policy, and counts them.
#[derive(Clone, Debug)]
pub struct Redactor {
    policy: Policy,
    salt: Option<Salt>,
    counts: BTreeMap<Category, u64>,
}

impl Redactor {
    /// With nothing counted yet. A salt has an effect on [`Policy::Hash`] only.
    pub fn new(policy: Policy, salt: Option<Salt>) -> Self {
        Self { policy, salt: salt.filter(|_| policy == Policy::Hash), counts: BTreeMap::new() }
    }

    /// What the artifact says for `text`. Hashed are its UTF-8 bytes.
    pub fn redact(&mut self, category: Category, text: &str) -> String {
        self.redact_bytes(category, text.as_bytes())
    }

    /// The same for a string of the operating system, which need not be UTF-8: hashed are its bytes, kept is
    /// its text with replacement characters.
    pub fn redact_bytes(&mut self, category: Category, bytes: &[u8]) -> String {
        let replacement = match self.policy {
            Policy::None => return String::from_utf8_lossy(bytes).into_owned(),
            Policy::Drop => Cow::Borrowed(DROPPED),
            Policy::Hash => Cow::Owned(self.hash(bytes).to_string()),
        };
        *self.counts.entry(category).or_default() += 1;
        replacement.into_owned()
    }

    /// What the artifact says for the name of an attribute. One that no program's text can hold, such as a header's
    /// that became an attribute, is data, and counts as a key of a dict.
    pub fn attribute(&mut self, name: &str) -> String {
        let is_name = name.chars().all(|letter| letter == '_' || letter.is_alphanumeric())
            && name.chars().next().is_some_and(|first| !first.is_numeric());
        if is_name { name.to_owned() } else { self.redact(Category::DictKey, name) }
    }

    /// The policy.
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// The artifact's section `redactions`: what was done so far.
    pub fn summary(&self) -> Redactions {
        Redactions {
            policy: self.policy,
            hash: HashFunction::Sha256,
            salted: self.salt.is_some(),
            counts: self
                .counts
                .iter()
                .map(|(category, count)| (category.name().to_owned(), *count))
                .collect(),
        }
    }

    fn hash(&self, bytes: &[u8]) -> Sha256Hash {
        match &self.salt {
            None => Sha256Hash::of(bytes),
            Some(Salt(keyed)) => {
                Sha256Hash::from_bytes(keyed.clone().chain_update(bytes).finalize().into_bytes().into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
