//! The door for imports that threads have under way.
//!
//! Of each the map keeps where its thread's stack stood when it was told of, under the thread and its level, from 1
//! on; the level of the innermost one stands under level 0. The function that imports returns to a place above.

use crate::maps::IMPORTING;
use crate::task;
use aya_ebpf::bindings::BPF_ANY;
use molt_common::event::happening::MAX_IMPORTING;

/// The current thread begins an import while its stack pointer is this. One that finds no room has no end.
#[inline(always)]
pub fn begin(stack_pointer: u64) {
    let tid = task::current_tid();
    let level = innermost(tid) + 1;
    if level <= MAX_IMPORTING && IMPORTING.insert(key(tid, level), stack_pointer, BPF_ANY.into()).is_ok() {
        let _ = IMPORTING.insert(key(tid, 0), level, BPF_ANY.into());
    }
}

/// The current thread returns to a caller whose stack pointer is this: how many imports that ends.
#[inline(always)]
pub fn end(stack_pointer: u64) -> u64 {
    let tid = task::current_tid();
    let begun = innermost(tid);
    let mut level = begun;
    for _ in 0..MAX_IMPORTING {
        // SAFETY: an element's memory outlives this program, and only this thread changes its own.
        let Some(began) = (unsafe { IMPORTING.get(key(tid, level)) }) else { break };
        if level == 0 || *began >= stack_pointer {
            break;
        }
        level -= 1;
    }
    if level < begun {
        let _ = IMPORTING.insert(key(tid, 0), level, BPF_ANY.into());
    }
    begun - level
}

/// How many imports the thread has under way.
#[inline(always)]
fn innermost(tid: u32) -> u64 {
    // SAFETY: as in [`end`].
    unsafe { IMPORTING.get(key(tid, 0)) }.copied().unwrap_or(0)
}

#[inline(always)]
fn key(tid: u32, level: u64) -> u64 {
    u64::from(tid) << 32 | level
}
