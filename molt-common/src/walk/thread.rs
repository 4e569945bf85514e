//! From a thread to its `PyThreadState`.
//!
//! The facts are in CPython's `Include/internal/pycore_runtime.h` and glibc's `nptl/descr.h`.

use super::{Memory, checked};
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use crate::limits::{MAX_INTERPRETERS, MAX_THREADS};

/// Offset of `struct pthread.specific_1stblock` from the thread pointer in glibc on x86-64
/// (the same in 2.36 and 2.41): 16 bytes a key, the value in the second 8.
const GLIBC_FIRST_BLOCK: u64 = 0x310;
/// Keys in that block; later ones go through a second level.
pub const GLIBC_FIRST_BLOCK_KEYS: u32 = 32;

/// The thread as the kernel knows it.
#[derive(Clone, Copy, Debug)]
pub struct Thread {
    /// The thread pointer, which is also `pthread_self()`; 0 when the kernel's layout is not known.
    pub pointer: u64,
    /// The kernel's thread id.
    pub tid: u32,
}

/// Reads the thread state from glibc's per-thread keys. 0 when the thread has none.
#[inline(always)]
pub fn by_key<M: Memory>(memory: &M, thread: Thread, key: u32) -> Result<u64, Fault> {
    let slot = GLIBC_FIRST_BLOCK + 16 * u64::from(key % GLIBC_FIRST_BLOCK_KEYS) + 8;
    memory.read_u64(checked(thread.pointer)? + slot)
}

/// Whether the thread state at `tstate` belongs to `thread`.
#[inline(always)]
pub fn belongs<M: Memory>(
    memory: &M,
    layout: &WalkLayout,
    tstate: u64,
    thread: Thread,
) -> Result<bool, Fault> {
    if thread.pointer != 0 {
        let id = memory.read_u64(tstate + u64::from(layout.tstate_thread_id))?;
        return Ok(id == thread.pointer);
    }
    if layout.tstate_native_thread_id == ABSENT {
        return Ok(false);
    }
    let id = memory.read_u64(tstate + u64::from(layout.tstate_native_thread_id))?;
    Ok(id == u64::from(thread.tid))
}

/// Searches the thread lists of the process's interpreters for `thread`. 0 when it is in none.
#[inline(always)]
pub fn by_list<M: Memory>(
    memory: &M,
    layout: &WalkLayout,
    runtime: u64,
    thread: Thread,
) -> Result<u64, Fault> {
    let head = checked(runtime)? + u64::from(layout.runtime_interpreters_head);
    let mut interp = memory.read_u64(head)?;
    let mut tstate = 0;
    let mut interpreters = 0;
    for _ in 0..MAX_THREADS + MAX_INTERPRETERS {
        if tstate == 0 {
            if interp == 0 || interpreters == MAX_INTERPRETERS {
                return Ok(0);
            }
            interpreters += 1;
            tstate = memory.read_u64(checked(interp)? + u64::from(layout.interp_threads_head))?;
            interp = memory.read_u64(interp + u64::from(layout.interp_next))?;
            continue;
        }
        if belongs(memory, layout, checked(tstate)?, thread)? {
            return Ok(tstate);
        }
        tstate = memory.read_u64(tstate + u64::from(layout.tstate_next))?;
    }
    Ok(0)
}
