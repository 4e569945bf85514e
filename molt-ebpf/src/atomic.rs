//! The door for integers that several CPUs change at once.
//!
//! The target has atomic additions but says that it has no compare-and-swap, so that `core` leaves them out.

use core::intrinsics::{AtomicOrdering, atomic_xadd, atomic_xsub};

/// Adds to a count in a map. What it was before.
///
/// Not relaxed: for that order LLVM 22 writes an addition without a result, and gives what was added for it.
///
/// # Safety
///
/// `count` points to an integer in a map's element, which only this file's functions change.
#[inline(always)]
pub unsafe fn add(count: *mut u64, more: u64) -> u64 {
    // SAFETY: the caller answers for the pointer.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::AcqRel }>(count, more) }
}

/// Takes from a number in a map. What it was before.
///
/// Not relaxed, as in [`add`].
///
/// # Safety
///
/// As for [`add`].
#[inline(always)]
pub unsafe fn take(left: *mut i64, less: i64) -> i64 {
    // SAFETY: the caller answers for the pointer.
    unsafe { atomic_xsub::<i64, i64, { AtomicOrdering::AcqRel }>(left, less) }
}
