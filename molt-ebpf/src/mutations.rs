//! The door for counting assignments to attributes of modules.

use crate::maps::{ASSIGNING, MUTATIONS};
use crate::{atomic, task};
use aya_ebpf::bindings::{BPF_ANY, BPF_NOEXIST};
use molt_common::fault::Fault;
use molt_common::mutation::{Assigning, MutationKey};

/// The current thread begins an assignment, of which it may pass another probe.
#[inline(always)]
pub fn begin(this: Assigning) -> Result<(), Fault> {
    ASSIGNING.insert(task::current_tid(), this, BPF_ANY.into()).map_err(|_| Fault::MutationsFull)
}

/// Whether the current thread has begun this assignment already. If so, the next one like it is another.
#[inline(always)]
pub fn goes_on(this: Assigning) -> bool {
    let Some(begun) = ASSIGNING.get_ptr_mut(task::current_tid()) else { return false };
    // SAFETY: an element's memory outlives this program, and only this thread changes its own.
    let begun = unsafe { &mut *begun };
    let goes_on = *begun == this;
    begun.module = 0;
    goes_on
}

/// Counts one. Whether it is the first one.
#[inline(always)]
pub fn add(key: &MutationKey) -> Result<bool, Fault> {
    if MUTATIONS.get_ptr_mut(key).is_none() && MUTATIONS.insert(key, 1, BPF_NOEXIST.into()).is_ok() {
        return Ok(true);
    }
    // Another CPU was quicker, or the table is full.
    let count = MUTATIONS.get_ptr_mut(key).ok_or(Fault::MutationsFull)?;
    // SAFETY: an element's memory outlives this program, and only `atomic` changes counts.
    unsafe { atomic::add(count, 1) };
    Ok(false)
}
