//! What an interpreter itself counts of its collections of garbage.

use super::modules::main_interpreter;
use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use crate::cpython::{Known, Unknown};
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;

/// Generations, each of which has its counts (`NUM_GENERATIONS` in `Include/internal/pycore_gc.h`, 3.8 to 3.14).
pub const GENERATIONS: usize = 3;

/// Collections of one generation since the interpreter began (`struct gc_generation_stats`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// How many.
    pub collections: u64,
    /// Objects that they freed.
    pub objects: u64,
}

impl Collected {
    /// What has come since `before`; nothing where the counts went back.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            collections: self.collections.saturating_sub(before.collections),
            objects: self.objects.saturating_sub(before.objects),
        }
    }
}

/// What the main interpreter of the runtime at `runtime` has counted, the youngest generation first. Until 3.8 the
/// runtime keeps it.
pub fn read_collected<M: Memory>(
    memory: &M,
    layout: &Layout,
    runtime: u64,
) -> Known<[Collected; GENERATIONS]> {
    let objects = Objects::new(memory, layout);
    let gc = if layout.runtime_gc == ABSENT {
        if layout.interp_gc == ABSENT {
            return Err(Unknown::NotInVersion);
        }
        main_interpreter(memory, layout, runtime)?.wrapping_add(u64::from(layout.interp_gc))
    } else {
        runtime.wrapping_add(u64::from(layout.runtime_gc))
    };
    if layout.gc_generation_stats == ABSENT {
        return Err(Unknown::NotInVersion);
    }
    let words =
        objects.pointers(gc.wrapping_add(u64::from(layout.gc_generation_stats)), 3 * GENERATIONS as u64)?;
    let mut all = [Collected::default(); GENERATIONS];
    for (slot, words) in all.iter_mut().zip(words.as_chunks::<3>().0) {
        // Collections, objects collected, objects that could not be.
        *slot = Collected { collections: words[0], objects: words[1] };
    }
    Ok(all)
}
