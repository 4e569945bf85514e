//! The door for counting allocations: how many hits are granted, and the table that they are counted in.

use crate::effects::Hit;
use crate::maps::{ALLOCATION_GATE, ALLOCATIONS};
use crate::{atomic, emit, fault, task, tell};
use aya_ebpf::bindings::BPF_NOEXIST;
use molt_common::allocation::{Allocated, AllocationKey, AllocationSeen};
use molt_common::event::{KIND_ALLOCATION, KIND_SPENT};
use molt_common::fault::Fault;

/// Whether allocations are counted now.
#[inline(always)]
pub fn counted() -> bool {
    let Some(gate) = ALLOCATION_GATE.get(0) else { return false };
    // SAFETY: the entry exists for the whole life of the map; what another CPU takes meanwhile is seen when one is
    // taken.
    unsafe { (&raw const gate.left).read_volatile() > 0 }
}

/// Takes one of the hits that user space has granted, and tells it of the last one.
#[inline(always)]
pub fn granted() -> bool {
    if !counted() {
        return false;
    }
    let Some(gate) = ALLOCATION_GATE.get_ptr_mut(0) else { return false };
    // SAFETY: as in [`counted`]; nothing else of the kernel side changes it.
    let before = unsafe { atomic::take(gate.cast(), 1) };
    if before == 1
        && let Err(lost) = emit::record(&task::header(KIND_SPENT))
    {
        fault::count(lost);
    }
    before > 0
}

/// Counts a request of so many bytes for the code on top of the current thread's stack. User space is told of code that
/// is new.
#[inline(always)]
pub fn count(hit: &Hit, kind: u32, bytes: u64) -> Result<(), Fault> {
    let found = hit.top().map_err(|_| Fault::UnreadAllocation)?;
    // What C code does before the first frame and after the last one is nobody's.
    let Some(found) = found else { return Ok(()) };
    let key = AllocationKey { program: hit.config.program, kind, code: found.code };
    if add(&key, bytes)? {
        tell::code(key.program, key.code, found.globals);
        return emit::record(&AllocationSeen {
            header: task::header(KIND_ALLOCATION),
            key,
            identity: found.identity,
            globals: found.globals,
        });
    }
    Ok(())
}

/// Adds one. Whether it is the first one.
#[inline(always)]
fn add(key: &AllocationKey, bytes: u64) -> Result<bool, Fault> {
    let one = Allocated { count: 1, bytes };
    if ALLOCATIONS.get_ptr_mut(key).is_none() && ALLOCATIONS.insert(key, one, BPF_NOEXIST.into()).is_ok() {
        return Ok(true);
    }
    // Another CPU was quicker, or the table is full.
    let sum = ALLOCATIONS.get_ptr_mut(key).ok_or(Fault::AllocationsFull)?;
    // SAFETY: an element's memory outlives this program, and only `atomic` changes it.
    let sum = unsafe { &mut *sum };
    // SAFETY: as above.
    unsafe { atomic::add(&raw mut sum.count, one.count) };
    // SAFETY: as above.
    unsafe { atomic::add(&raw mut sum.bytes, one.bytes) };
    Ok(false)
}
