//! What changes in the namespaces of modules from one look to the next: their names, and which objects they stand
//! for.
//!
//! A look must be cheap: all namespaces are read together, with a system call for each thousand, and compared word by
//! word. Names are read where something changed.

use crate::cpython::Unknown;
use crate::cpython::dict::Table;
use crate::cpython::object::{Head, Objects};
use crate::symbolize::memory::{Overlay, Pieces, Recent};
use molt_common::fault::Fault;
use molt_common::walk::Memory;
use std::collections::HashMap;

/// Most names of a namespace that is compared: generated modules have some thousands.
pub const MAX_NAMES: u64 = 1 << 14;
/// Most words of all namespaces that are kept between looks: 32 MB, for 1.4 million names.
const MAX_WORDS: usize = 1 << 22;
/// Bytes that are read at once of a name: most have less than 40 letters.
const NAME_BYTES: usize = 80;
/// Most changes that one look tells.
const MAX_CHANGES: usize = 10_000;

/// Reads pieces of memory, each an address and a length, one after the other into a buffer: all of them or none.
pub type ReadPieces<'a> = &'a dyn Fn(&[(u64, usize)], &mut [u8]) -> Result<(), Fault>;

/// What happened to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was not there before.
    Added,
    /// It stands for another object.
    Rebound,
    /// It is gone.
    Deleted,
}

/// A name of a module that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// The address of the module's namespace.
    pub namespace: u64,
    /// The name.
    pub name: String,
    /// What happened to it.
    pub change: Change,
}

/// What a comparison could not look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Namespaces with more than [`MAX_NAMES`] names, or for which there was no room.
    pub large: usize,
    /// Changes beyond those that are told, and of names that could not be read.
    pub changes: usize,
}

/// The namespaces as they were at the last look, by their addresses.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    known: HashMap<u64, Snapshot>,
}

/// A namespace as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Snapshot {
    table: Table,
    words: Vec<u64>,
}

impl Snapshot {
    fn pairs(&self) -> impl Iterator<Item = (u64, u64)> {
        self.table.live_pairs(&self.words)
    }
}

impl Namespaces {
    /// Compares the namespaces at these addresses with what they were, and keeps what they are. A namespace that was
    /// not known before has no changes; one that changes while it is read is left for the next look.
    pub fn compare<M: Memory>(
        &mut self,
        objects: &Objects<'_, M>,
        read: ReadPieces<'_>,
        namespaces: &[u64],
    ) -> (Vec<Changed>, Skipped) {
        let (now, large) = snapshots(objects, read, namespaces);
        let mut skipped = Skipped { large, changes: 0 };
        let mut changes = Vec::new();
        let mut known = HashMap::with_capacity(now.len());
        for (at, snapshot) in now {
            match self.known.remove(&at) {
                Some(before) if before != snapshot => {
                    // The program runs on: what it was writing meanwhile is not to be believed.
                    if snapshots(objects, read, &[at]).0.first().map(|(_, again)| again) == Some(&snapshot) {
                        tell(objects, read, at, &before, &snapshot, &mut changes, &mut skipped);
                        known.insert(at, snapshot);
                    } else {
                        known.insert(at, before);
                    }
                }
                _ => _ = known.insert(at, snapshot),
            }
        }
        self.known = known;
        (changes, skipped)
    }

    /// Whether the namespace at `at` had the name whose str is at `name`, at the last look; `None` where it was not
    /// looked at. A str that is not interned is found by its text, which takes longer.
    pub fn has<M: Memory>(&self, objects: &Objects<'_, M>, at: u64, name: u64, text: &str) -> Option<bool> {
        let snapshot = self.known.get(&at)?;
        let found = snapshot.pairs().any(|(key, _)| key == name)
            || snapshot.pairs().any(|(key, _)| objects.is_text(key, text) == Ok(true));
        Some(found)
    }
}

/// Notes what is different.
fn tell<M: Memory>(
    objects: &Objects<'_, M>,
    read: ReadPieces<'_>,
    namespace: u64,
    before: &Snapshot,
    now: &Snapshot,
    changes: &mut Vec<Changed>,
    skipped: &mut Skipped,
) {
    let mut gone: HashMap<u64, u64> = before.pairs().collect();
    let mut changed = Vec::new();
    for (key, value) in now.pairs() {
        match gone.remove(&key) {
            None => changed.push((key, Change::Added)),
            Some(before) if before != value => changed.push((key, Change::Rebound)),
            Some(_) => {}
        }
    }
    let mut gone: Vec<u64> = gone.into_keys().collect();
    gone.sort_unstable();
    changed.extend(gone.into_iter().map(|key| (key, Change::Deleted)));
    let mut names = Pieces::default();
    for ((key, _), name) in changed.iter().zip(batch(read, changed.iter().map(|(key, _)| (*key, NAME_BYTES))))
    {
        if let Some(name) = name {
            names.add(*key, &name);
        }
    }
    // The type of all names is the same.
    let memory = Overlay { pieces: &names, memory: &Recent::new(objects.memory) };
    let objects = Objects::new(&memory, objects.layout);
    for (key, change) in changed {
        let name = if objects.is_freed(key) == Ok(false) { objects.str(key) } else { Err(Unknown::Stale) };
        match name {
            Ok(name) if changes.len() < MAX_CHANGES => {
                changes.push(Changed { namespace, name: name.value, change });
            }
            // Keys that are no str are no names.
            Err(Unknown::WrongType) => {}
            _ => skipped.changes += 1,
        }
    }
}

/// The namespaces as they are, and how many are too large. Those that cannot be read are left out.
fn snapshots<M: Memory>(
    objects: &Objects<'_, M>,
    read: ReadPieces<'_>,
    namespaces: &[u64],
) -> (Vec<(u64, Snapshot)>, usize) {
    let layout = objects.layout;
    let bytes = layout.dict_values.max(layout.dict_keys).saturating_add(8);
    let dicts = batch(read, namespaces.iter().map(|at| (*at, bytes as usize)));
    let tables: Vec<(u64, u64)> = namespaces
        .iter()
        .zip(dicts)
        .filter_map(|(at, dict)| {
            let head = Head::of(dict?);
            let [keys, values] = [layout.dict_keys, layout.dict_values].map(|field| head.u64(field).ok());
            // Only instances keep their values elsewhere.
            Some((*at, keys?)).filter(|_| values == Some(0))
        })
        .collect();
    let heads = batch(read, tables.iter().map(|(_, keys)| (*keys, layout.keys_indices as usize)));
    let (mut large, mut room) = (0, MAX_WORDS);
    let mut wanted = Vec::new();
    for ((at, keys), head) in tables.into_iter().zip(heads) {
        let Some(Ok(table)) = head.map(|head| Table::of(layout, keys, &Head::of(head))) else { continue };
        match table.words().filter(|words| table.count <= MAX_NAMES && *words <= room) {
            Some(words) => {
                room -= words;
                wanted.push((at, table, words));
            }
            None => large += 1,
        }
    }
    let entries = batch(read, wanted.iter().map(|(_, table, words)| (table.entries, 8 * words)));
    let found = wanted.into_iter().zip(entries).filter_map(|((at, table, _), entries)| {
        let words = entries?.as_chunks().0.iter().copied().map(u64::from_le_bytes).collect();
        Some((at, Snapshot { table, words }))
    });
    (found.collect(), large)
}

/// Reads pieces together, and one by one when one of them cannot be read.
fn batch(read: ReadPieces<'_>, pieces: impl Iterator<Item = (u64, usize)>) -> Vec<Option<Vec<u8>>> {
    let pieces: Vec<(u64, usize)> = pieces.collect();
    let mut all = vec![0; pieces.iter().map(|(_, len)| len).sum()];
    if read(&pieces, &mut all).is_ok() {
        let mut rest = all.as_slice();
        let mut next = |len: usize| {
            let (piece, others) = rest.split_at_checked(len)?;
            rest = others;
            Some(piece.to_vec())
        };
        return pieces.iter().map(|(_, len)| next(*len)).collect();
    }
    let alone = |piece: &(u64, usize)| -> Option<Vec<u8>> {
        let mut bytes = vec![0; piece.1];
        read(std::slice::from_ref(piece), &mut bytes).ok().map(|()| bytes)
    };
    pieces.iter().map(alone).collect()
}
