//! The door for counting allocations: the table that they are counted in.

use crate::effects::Hit;
use crate::maps::{ALLOCATIONS, RESIZED};
use crate::{atomic, emit, task, tell};
use aya_ebpf::bindings::BPF_NOEXIST;
use molt_common::allocation::{Allocated, AllocationKey, AllocationSeen, Resized};
use molt_common::event::KIND_ALLOCATION;
use molt_common::fault::Fault;

/// Most bytes of the stack that the function which resizes a block takes before it asks for another one.
const MAX_FRAME: u64 = 256;

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

/// Notes that the current thread resizes a block.
#[inline(always)]
pub fn resize(stack: u64, bytes: u64) {
    if let Some(last) = RESIZED.get_ptr_mut(0) {
        // SAFETY: the slot exists for the whole life of the map and belongs to this CPU. What another task makes of it
        // when it comes between counts a block twice, or not at all.
        unsafe { *last = Resized { tid: task::current_tid().into(), stack, bytes } };
    }
}

/// Whether the current thread asks for this block to resize another one: right after it began to, from the same place
/// or a little deeper. The next one like it is another.
#[inline(always)]
pub fn is_of_resizing(stack: u64, bytes: u64) -> bool {
    let Some(last) = RESIZED.get_ptr_mut(0) else { return false };
    // SAFETY: as in [`resize`].
    let last = unsafe { &mut *last };
    let is_same = last.bytes == bytes
        && last.stack.wrapping_sub(stack) <= MAX_FRAME
        && last.tid == u64::from(task::current_tid());
    last.bytes = u64::MAX;
    is_same
}
