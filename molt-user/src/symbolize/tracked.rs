//! Objects that the garbage collector keeps track of: everything that may hold others, and so all classes made at run
//! time and nearly all of their instances.
//!
//! Builds with a GIL keep them in three lists, one for each generation, the oldest object first
//! (`Include/internal/pycore_gc.h`; 3.8 `Include/internal/pycore_pymem.h`). Free-threaded builds have no lists.

use super::memory::Recent;
use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;

/// `NUM_GENERATIONS`.
const GENERATIONS: u64 = 3;
/// `sizeof(struct gc_generation)`: a head, a threshold and a count.
const GENERATION_BYTES: u64 = 24;
/// `sizeof(PyGC_Head)`, which lies before each object: the next one and the one before.
const HEAD_BYTES: u32 = 16;
/// Where the one before is.
const PREVIOUS: u32 = 8;
/// Flags in the low bits of both (`_PyGC_PREV_SHIFT`).
const FLAGS: u64 = 3;

/// Objects and their types, by their addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    /// Those found: the youngest generation first, and in each of them the youngest object.
    pub objects: Vec<(u64, u64)>,
    /// Whether there are more, or may be: the program changed a list meanwhile.
    pub cut: bool,
}

/// The objects of the interpreter at `interp` of the runtime at `runtime`, `most` of them at most.
///
/// Fails with [`Unknown::NotInVersion`] where there are no lists, and with the reason when the first of them cannot be
/// read.
pub fn tracked<M: Memory>(
    memory: &M,
    layout: &Layout,
    runtime: u64,
    interp: u64,
    most: usize,
) -> Known<Tracked> {
    if layout.gc_state == ABSENT || layout.gc_generation0 == ABSENT || layout.free_threaded {
        return Err(Unknown::NotInVersion);
    }
    let recent = Recent::new(memory);
    let objects = Objects::new(&recent, layout);
    let owner = if layout.minor == 8 { runtime } else { interp };
    let first = objects.u64(owner.wrapping_add(u64::from(layout.gc_state)), layout.gc_generation0)?;
    let mut found = Tracked::default();
    for generation in 0..GENERATIONS {
        let head = first.wrapping_add(generation * GENERATION_BYTES);
        let before = objects.u64(head, PREVIOUS)?;
        // A generation that cannot be read does not take the others away.
        found.cut |= follow(&objects, head, before & !FLAGS, most, &mut found.objects).is_err();
    }
    Ok(found)
}

/// Follows the list that begins at `head` backwards from the object at `at`.
fn follow<M: Memory>(
    objects: &Objects<'_, M>,
    head: u64,
    mut at: u64,
    most: usize,
    found: &mut Vec<(u64, u64)>,
) -> Known<()> {
    let bytes = HEAD_BYTES.saturating_add(objects.layout.object_type).saturating_add(8);
    let mut behind = head;
    while at != head {
        if found.len() >= most {
            return Err(Unknown::TooLong);
        }
        let object = objects.head(at, bytes)?;
        if object.u64(0)? & !FLAGS != behind {
            return Err(Unknown::Torn);
        }
        let class = object.u64(HEAD_BYTES.saturating_add(objects.layout.object_type))?;
        found.push((at.wrapping_add(HEAD_BYTES.into()), class));
        behind = at;
        at = object.u64(PREVIOUS)? & !FLAGS;
    }
    Ok(())
}
