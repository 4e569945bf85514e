//! Something by the type of an exception.

use super::TypeId;
use std::collections::BTreeMap;

/// Most different types that are told apart in one place. Further ones count as one, `...`.
const MAX_TYPES: usize = 64;

/// Something by the type of an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByException<T>(BTreeMap<TypeId, T>);

impl<T> Default for ByException<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Copy + Default> ByException<T> {
    /// What is counted of exceptions of this type.
    pub(super) fn of(&mut self, id: TypeId) -> &mut T {
        let told_apart = self.0.len() - usize::from(self.0.contains_key(&TypeId::FURTHER));
        let is_one = told_apart < MAX_TYPES || self.0.contains_key(&id);
        self.0.entry(if is_one { id } else { TypeId::FURTHER }).or_default()
    }

    /// Each type with what was counted of it.
    pub fn iter(&self) -> impl Iterator<Item = (TypeId, T)> {
        self.0.iter().map(|(id, value)| (*id, *value))
    }
}
