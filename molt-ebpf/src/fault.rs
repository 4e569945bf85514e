//! Counting faults.

use crate::maps::COUNTERS;
use molt_common::fault::Fault;

/// Counts one fault on this CPU.
#[inline(always)]
pub fn count(fault: Fault) {
    add(fault, 1);
}

/// Counts a fault `more` times on this CPU.
#[inline(always)]
pub fn add(fault: Fault, more: u64) {
    if let Some(counter) = COUNTERS.get_ptr_mut(fault as u32) {
        // SAFETY: the slot exists for the whole life of the map and belongs to this CPU. A program that
        // interrupts another one here may lose one count, never memory.
        unsafe { *counter += more };
    }
}
