//! The door for gates: how many hits of a kind user space has granted.

use crate::{atomic, emit, fault, task};
use aya_ebpf::btf_maps::Array;
use molt_common::call::{Gate, UNLIMITED};
use molt_common::event::KIND_SPENT;

/// The hits that are left.
#[inline(always)]
pub fn left(gate: &Array<Gate, 1>) -> i64 {
    let Some(gate) = gate.get(0) else { return 0 };
    // SAFETY: the entry exists for the whole life of the map; what another CPU takes meanwhile is seen when one is
    // taken.
    unsafe { (&raw const gate.left).read_volatile() }
}

/// Takes one of them, and tells user space of the last one. Whether there was one.
#[inline(always)]
pub fn take(gate: &Array<Gate, 1>) -> bool {
    let before = left(gate);
    if before <= 0 || before >= UNLIMITED {
        return before > 0;
    }
    let Some(gate) = gate.get_ptr_mut(0) else { return false };
    // SAFETY: as in [`left`]; nothing else of the kernel side changes it.
    let before = unsafe { atomic::take(gate.cast(), 1) };
    if before == 1
        && let Err(lost) = emit::record(&task::header(KIND_SPENT))
    {
        fault::count(lost);
    }
    before > 0
}
