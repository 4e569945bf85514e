//! Requests of memory: whose they are, and how many each that was counted stands for.

use super::Watch;
use crate::aggregate::tally::CodeId;
use crate::cpython::allocator::AllocationSites;
use crate::trace::budget::Weighed;
use molt_common::allocation::{Allocated, AllocationKey, AllocationSeen};
use molt_common::walk::Memory;

/// The cause under which requests are lost whose code is not known.
const UNRESOLVED: &str = "unresolved_allocation";

/// What was counted in a stretch of time, by code.
pub(in crate::trace) type Counted = Vec<(AllocationKey, Allocated)>;

impl Watch {
    /// Requests of memory pass unseen, for this reason.
    pub(in crate::trace) fn allocations_are_unseen(&mut self, why: &str) {
        self.allocations_seen.reasons.insert(format!("requests of memory were not seen: {why}"));
    }

    /// Whether process `pid` takes its blocks from the C library (`PYTHONMALLOC=malloc`), and not from the allocator that
    /// `sites` are about.
    pub(in crate::trace) fn asks_c_library(&mut self, pid: u32, sites: &AllocationSites) -> bool {
        let subject = self.subjects.get_mut(&pid);
        let Some(reader) = subject.and_then(|subject| subject.reader()) else { return false };
        let bias = reader.interpreter.load_bias;
        let points_to = |at: &u64| reader.memory.read_u64(at.wrapping_add(bias)).ok();
        sites.pointers.iter().filter_map(points_to).any(|function| function == sites.raw.wrapping_add(bias))
    }

    /// Reads the code of a request: it may be freed in a moment.
    pub(super) fn read_allocation_ahead(&mut self, seen: &AllocationSeen) {
        let pieces = self.pieces.remove(&seen.header.tid).unwrap_or_default();
        self.read_doer_ahead(seen.into(), &pieces);
    }

    /// Notes what the code of a request is.
    pub(super) fn allocation(&mut self, seen: &AllocationSeen) {
        self.note_doer(seen.into());
    }

    /// Adds up what windows have counted that stand for their time together.
    pub(in crate::trace) fn count_allocations(&mut self, stratum: &Weighed<Counted>) {
        for (key, seen) in stratum.counted.iter().flatten() {
            if let Some(code) = self.allocating(key, seen) {
                self.allocations.add(code, *seen, stratum.weight);
            }
        }
    }

    /// Adds up what was mapped for the heap.
    pub(in crate::trace) fn count_growth(&mut self, counted: &[(AllocationKey, Allocated)]) {
        for (key, growth) in counted {
            if let Some(code) = self.allocating(key, growth) {
                self.allocations.grow(code, *growth);
            }
        }
    }

    /// The code that has asked for memory, on the page on which that counts.
    fn allocating(&mut self, key: &AllocationKey, seen: &Allocated) -> Option<CodeId> {
        self.turn_to_program(key.program);
        let known = self.programs.get(key.program as usize).and_then(|names| names.code(key.code).ok());
        if known.is_none() {
            *self.loss.entry(UNRESOLVED).or_default() += seen.count;
        }
        known
    }
}
