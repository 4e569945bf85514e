//! The per-thread key under which an interpreter keeps each thread's state.

use super::layout::Layout;
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;
use molt_common::walk::thread::GLIBC_FIRST_BLOCK_KEYS;

/// The key, where the version has one, it has been made, and glibc keeps its values in a thread's first
/// block. `Py_tss_t` is a flag and the key, an `int` each (`Include/cpython/pythread.h`).
pub fn thread_key<M: Memory>(memory: &M, layout: &Layout, runtime: u64) -> Option<u32> {
    if layout.runtime_tss_key == ABSENT {
        return None;
    }
    let key = runtime.checked_add(u64::from(layout.runtime_tss_key))?;
    let made = memory.read_u32(key.checked_sub(4)?).ok()?;
    let key = memory.read_u32(key).ok()?;
    (made != 0 && key < GLIBC_FIRST_BLOCK_KEYS).then_some(key)
}
