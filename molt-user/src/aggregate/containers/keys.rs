//! Keys of dicts, each kept once.

use std::collections::BTreeMap;

/// Most bytes of different keys that are kept, over all places.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// A key of a dict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyId(u32);

/// Keys by their ids, and back.
#[derive(Debug, Default)]
pub(super) struct Keys {
    texts: Vec<Box<str>>,
    ids: BTreeMap<Box<str>, KeyId>,
    bytes: usize,
}

impl Keys {
    /// The id of `key`; `None` when there is no room for it.
    pub(super) fn intern(&mut self, key: &str) -> Option<KeyId> {
        /// What an entry takes beside its text, about.
        const ENTRY: usize = 64;
        if let Some(id) = self.ids.get(key) {
            return Some(*id);
        }
        let bytes = self.bytes.checked_add(key.len() + ENTRY).filter(|bytes| *bytes <= MAX_BYTES)?;
        let id = KeyId(u32::try_from(self.texts.len()).ok()?);
        self.bytes = bytes;
        self.texts.push(key.into());
        self.ids.insert(key.into(), id);
        Some(id)
    }

    /// The key that `id` stands for.
    pub(super) fn key(&self, id: KeyId) -> &str {
        self.texts.get(id.0 as usize).map_or("", |key| key)
    }
}
