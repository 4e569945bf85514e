//! What the packed addresses of one program's calls stand for. It outlives the program, whose calls are counted
//! until the end of the run.

use super::reader::SeenCode;
use crate::aggregate::calls::TypeId;
use crate::aggregate::tally::{CodeId, SiteKey};
use crate::cpython::{Known, Unknown};
use std::collections::{HashMap, HashSet};
use std::mem::take;
use std::sync::Arc;

/// Most code objects kept beside those of the cache: they are wanted again within a moment, by the record that tells of
/// a call.
const MAX_OBJECTS: usize = 1 << 13;

/// Codes, types and call sites, as far as they were found out when they were met first.
#[derive(Clone, Debug, Default)]
pub(super) struct CallNames {
    objects: HashMap<u64, Arc<SeenCode>>,
    /// Those that were noted before these.
    older: HashMap<u64, Arc<SeenCode>>,
    codes: HashMap<u64, Known<CodeId>>,
    types: HashMap<u64, Known<TypeId>>,
    sites: HashMap<(u64, i32), SiteKey>,
    /// Types of dicts, lists, tuples and sets.
    containers: HashSet<u64>,
    /// The number of the page that its calls count on.
    pub(super) page: u32,
}

impl CallNames {
    /// Nothing yet, of a program whose calls count on this page.
    pub(super) fn on_page(page: u32) -> Self {
        Self { page, ..Self::default() }
    }

    /// Notes the code object at `packed`.
    pub(super) fn note_object(&mut self, packed: u64, object: Arc<SeenCode>) {
        if self.objects.len() >= MAX_OBJECTS {
            self.older = take(&mut self.objects);
        }
        self.objects.insert(packed, object);
    }

    /// The code object at `packed`, if it was read.
    pub(super) fn object(&self, packed: u64) -> Option<&Arc<SeenCode>> {
        self.objects.get(&packed).or_else(|| self.older.get(&packed))
    }

    /// Notes what the code at `packed` counts under, unless that is known.
    pub(super) fn note_code(&mut self, packed: u64, code: Known<CodeId>) {
        note(&mut self.codes, packed, code);
    }

    /// Notes what the type at `packed` is, unless that is known.
    pub(super) fn note_type(&mut self, packed: u64, found: Known<TypeId>) {
        note(&mut self.types, packed, found);
    }

    /// Notes which call site the caller at `packed` has at `offset`.
    pub(super) fn note_site(&mut self, packed: u64, offset: i32, site: SiteKey) {
        self.sites.insert((packed, offset), site);
    }

    /// Whether calls were told of.
    pub(super) fn has_sites(&self) -> bool {
        !self.sites.is_empty()
    }

    /// Notes that the type at `packed` is that of a container.
    pub(super) fn note_container(&mut self, packed: u64) {
        self.containers.insert(packed);
    }

    /// Whether the type at `packed` is that of a container.
    pub(super) fn is_container(&self, packed: u64) -> bool {
        self.containers.contains(&packed)
    }

    /// Whether the type at `packed` is known.
    pub(super) fn knows_type(&self, packed: u64) -> bool {
        self.types.get(&packed).is_some_and(Result::is_ok)
    }

    /// What the code at `packed` counts under.
    pub(super) fn code(&self, packed: u64) -> Known<CodeId> {
        self.codes.get(&packed).copied().unwrap_or(Err(Unknown::Stale))
    }

    /// The type at `packed`.
    pub(super) fn type_id(&self, packed: u64) -> Known<TypeId> {
        self.types.get(&packed).copied().unwrap_or(Err(Unknown::Stale))
    }

    /// The call site of the caller at `packed` at `offset`.
    pub(super) fn site(&self, packed: u64, offset: i32) -> Option<SiteKey> {
        self.sites.get(&(packed, offset)).copied()
    }
}

/// Keeps what is known over what is not.
fn note<T>(table: &mut HashMap<u64, Known<T>>, packed: u64, found: Known<T>) {
    let slot = table.entry(packed).or_insert(Err(Unknown::Stale));
    if slot.is_err() {
        *slot = found;
    }
}
