//! Type names and lists of them, each kept once.

use super::Slot;
use std::collections::BTreeMap;

/// The name of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeId(u32);

impl TypeId {
    /// A type that could not be read.
    pub const UNREAD: Self = Self(0);
    /// More than were looked at, or kept.
    pub const FURTHER: Self = Self(3);
    const REST: Self = Self(1);
    const KEYWORDS: Self = Self(2);
}

/// What stands for the ids above, in their order. No type has such a name: one outside `builtins` has a dot.
const WORDS: [&str; 4] = ["?", "*tuple[...]", "**dict[...]", "..."];

/// Most different names. A program that makes more types than this under names of their own has `?` for them.
const MAX_NAMES: usize = 1 << 17;

/// The types of all parameters of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ArgsId(u32);

/// Names and lists by their ids, and back.
#[derive(Debug)]
pub(super) struct Names {
    texts: Vec<Box<str>>,
    ids: BTreeMap<Box<str>, TypeId>,
    lists: Vec<Box<[TypeId]>>,
    list_ids: BTreeMap<Box<[TypeId]>, ArgsId>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names =
            Self { texts: Vec::new(), ids: BTreeMap::new(), lists: Vec::new(), list_ids: BTreeMap::new() };
        for word in WORDS {
            names.intern(word);
        }
        names
    }
}

impl Names {
    pub(super) fn intern(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let Some(id) = u32::try_from(self.texts.len()).ok().filter(|_| self.texts.len() < MAX_NAMES) else {
            return TypeId::UNREAD;
        };
        self.texts.push(name.into());
        self.ids.insert(name.into(), TypeId(id));
        TypeId(id)
    }

    pub(super) fn name(&self, id: TypeId) -> &str {
        self.texts.get(id.0 as usize).map_or(WORDS[0], |name| name)
    }

    /// The id of these parameters. Those that are not known yet get one where there is `room`.
    pub(super) fn args(&mut self, slots: Vec<Slot>, cut: bool, room: bool) -> Option<ArgsId> {
        let types = slots.into_iter().map(|slot| match slot {
            Slot::Type(id) => id,
            Slot::Rest => TypeId::REST,
            Slot::Keywords => TypeId::KEYWORDS,
            Slot::Unread => TypeId::UNREAD,
        });
        let list: Box<[TypeId]> = types.chain(cut.then_some(TypeId::FURTHER)).collect();
        let known = self.list_ids.get(&list).copied();
        if known.is_some() || !room {
            return known;
        }
        let id = ArgsId(u32::try_from(self.lists.len()).ok()?);
        self.lists.push(list.clone());
        self.list_ids.insert(list, id);
        Some(id)
    }

    pub(super) fn types(&self, id: ArgsId) -> &[TypeId] {
        self.lists.get(id.0 as usize).map_or(&[], |list| list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A site that has no room for further types must not fill memory with them.
    #[test]
    fn without_room_only_known_parameters_have_an_id() {
        let mut names = Names::default();
        let int = Slot::Type(names.intern("int"));
        assert_eq!(names.args(vec![int], false, false), None);
        let id = names.args(vec![int], false, true);
        assert!(id.is_some());
        assert_eq!(names.args(vec![int], false, false), id);
        assert_eq!(names.args(vec![int, int], false, false), None);
        assert_eq!(names.lists.len(), 1);
    }
}
