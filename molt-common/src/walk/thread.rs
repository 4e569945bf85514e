//! From a thread to its `PyThreadState`.
//!
//! The facts are in CPython's `Include/internal/pycore_runtime.h` and glibc's `nptl/descr.h`.

use super::{Memory, checked};
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use crate::machine::GLIBC_FIRST_BLOCK;

/// Keys in glibc's first block; later ones go through a second level.
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

/// A search through the thread lists of a process's interpreters, one step at a time.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    thread: Thread,
    tstate: u64,
    interp: u64,
}

impl Search {
    /// Begins at the first interpreter of the process whose `_PyRuntime` is at `runtime`.
    #[inline(always)]
    pub fn new<M: Memory>(
        memory: &M,
        layout: &WalkLayout,
        runtime: u64,
        thread: Thread,
    ) -> Result<Self, Fault> {
        let interp = memory.read_u64(checked(runtime)? + u64::from(layout.runtime_interpreters_head))?;
        Ok(Self { thread, tstate: 0, interp })
    }

    /// Looks at one thread state, or goes on to the next interpreter. `Some` ends the search: with the
    /// thread's state, or with 0 when it is in no list.
    #[inline(always)]
    pub fn advance<M: Memory>(&mut self, memory: &M, layout: &WalkLayout) -> Result<Option<u64>, Fault> {
        if self.tstate == 0 {
            if self.interp == 0 {
                return Ok(Some(0));
            }
            let interp = checked(self.interp)?;
            self.tstate = memory.read_u64(interp + u64::from(layout.interp_threads_head))?;
            self.interp = memory.read_u64(interp + u64::from(layout.interp_next))?;
            return Ok(None);
        }
        let tstate = checked(self.tstate)?;
        if belongs(memory, layout, tstate, self.thread)? {
            return Ok(Some(tstate));
        }
        self.tstate = memory.read_u64(tstate + u64::from(layout.tstate_next))?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_THREADS;
    use std::collections::BTreeMap;

    /// Words at addresses; everything else is unmapped.
    struct Words(BTreeMap<u64, u64>);

    impl Memory for Words {
        fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            let word = self.0.get(&addr).ok_or(Fault::ReadFault)?;
            into.copy_from_slice(&word.to_le_bytes());
            Ok(())
        }
    }

    fn layout() -> WalkLayout {
        let mut layout = <WalkLayout as zerocopy::FromZeros>::new_zeroed();
        layout.runtime_interpreters_head = 8;
        layout.interp_next = 16;
        layout.interp_threads_head = 24;
        layout.tstate_next = 32;
        layout.tstate_thread_id = 40;
        layout.tstate_native_thread_id = 48;
        layout
    }

    /// Two interpreters: the first with one thread, the second with the one that is searched.
    fn process() -> Words {
        Words(BTreeMap::from([
            (0x1008, 0x2000),
            (0x2010, 0x3000),
            (0x2018, 0x4000),
            (0x3010, 0),
            (0x3018, 0x5000),
            (0x4020, 0),
            (0x4028, 111),
            (0x4030, 11),
            (0x5020, 0),
            (0x5028, 222),
            (0x5030, 22),
        ]))
    }

    fn find(thread: Thread) -> Result<u64, Fault> {
        let (memory, layout) = (process(), layout());
        let mut search = Search::new(&memory, &layout, 0x1000, thread)?;
        for _ in 0..MAX_THREADS {
            if let Some(found) = search.advance(&memory, &layout)? {
                return Ok(found);
            }
        }
        panic!("the search does not end")
    }

    /// Subinterpreters have thread lists of their own.
    #[test]
    fn finds_a_thread_of_the_second_interpreter_by_pointer_and_by_tid() {
        assert_eq!(find(Thread { pointer: 222, tid: 0 }), Ok(0x5000));
        assert_eq!(find(Thread { pointer: 0, tid: 22 }), Ok(0x5000));
    }

    /// A thread that runs no Python has no state, which is no fault.
    #[test]
    fn a_foreign_thread_has_no_state() {
        assert_eq!(find(Thread { pointer: 333, tid: 33 }), Ok(0));
    }
}
