//! From a thread's id to its `PyThreadState`, by the thread lists of the process's interpreters.
//!
//! From 3.11 on a thread state names its thread by the kernel's id. Before, it has `pthread_self()` alone, the address
//! of the C library's `struct pthread`, which holds the id: where in it is found out from the main thread, whose id is
//! the process's.

use molt_common::config::ProcessConfig;
use molt_common::fault::Fault;
use molt_common::layout::{ABSENT, WalkLayout};
use molt_common::limits::MAX_THREADS;
use molt_common::walk::{Memory, checked};

/// Bytes of `struct pthread` in which the id is searched; it is at 720 in glibc on x86-64 (2.17 to 2.41).
const PTHREAD_BYTES: usize = 1024;

/// Finds thread states in one process.
#[derive(Debug, Default)]
pub(super) struct States {
    /// Where in `struct pthread` the id is, once that is known.
    tid_offset: Option<u64>,
}

impl States {
    /// The state of the thread with this id, 0 if it has none. `main` is the id of the process's main thread; both are
    /// as the process itself knows them.
    pub(super) fn find<M: Memory>(
        &mut self,
        memory: &M,
        config: &ProcessConfig,
        main: u32,
        tid: u32,
    ) -> Result<u64, Fault> {
        let layout = &config.layout;
        if layout.tstate_native_thread_id == ABSENT && self.tid_offset.is_none() {
            self.tid_offset = Some(find_offset(memory, config, main)?);
        }
        let found = search(memory, config, |tstate| Ok(self.id(memory, layout, tstate)? == tid))?;
        Ok(found.unwrap_or(0))
    }

    /// The id of the thread whose state is at `tstate`.
    fn id<M: Memory>(&self, memory: &M, layout: &WalkLayout, tstate: u64) -> Result<u32, Fault> {
        match self.tid_offset {
            None => memory.read_u32(tstate + u64::from(layout.tstate_native_thread_id)),
            Some(offset) => {
                let pthread = memory.read_u64(tstate + u64::from(layout.tstate_thread_id))?;
                memory.read_u32(checked(pthread)? + offset)
            }
        }
    }
}

/// Where a `struct pthread` holds its id, by the one of the main thread.
fn find_offset<M: Memory>(memory: &M, config: &ProcessConfig, main: u32) -> Result<u64, Fault> {
    let mut offset = 0;
    let wanted = main.to_le_bytes();
    let found = search(memory, config, |tstate| {
        let pthread = memory.read_u64(tstate + u64::from(config.layout.tstate_thread_id))?;
        let mut bytes = [0; PTHREAD_BYTES];
        memory.read(checked(pthread)?, &mut bytes)?;
        let (words, _) = bytes.as_chunks::<4>();
        let Some(at) = words.iter().position(|word| *word == wanted) else { return Ok(false) };
        offset = 4 * at as u64;
        Ok(true)
    })?;
    found.map(|_| offset).ok_or(Fault::NoThreadState)
}

/// The first thread state that is the one wanted. What cannot be read of one is not: it may have ended meanwhile.
fn search<M: Memory>(
    memory: &M,
    config: &ProcessConfig,
    mut is_wanted: impl FnMut(u64) -> Result<bool, Fault>,
) -> Result<Option<u64>, Fault> {
    let layout = &config.layout;
    let head = checked(config.runtime)? + u64::from(layout.runtime_interpreters_head);
    let mut interp = memory.read_u64(head)?;
    let mut left = MAX_THREADS;
    while interp != 0 && left > 0 {
        let mut tstate = memory.read_u64(checked(interp)? + u64::from(layout.interp_threads_head))?;
        while tstate != 0 && left > 0 {
            if is_wanted(checked(tstate)?).unwrap_or(false) {
                return Ok(Some(tstate));
            }
            tstate = memory.read_u64(tstate + u64::from(layout.tstate_next))?;
            left -= 1;
        }
        interp = memory.read_u64(interp + u64::from(layout.interp_next))?;
        left = left.saturating_sub(1);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use zerocopy::FromZeros;

    /// Words at addresses, and zeros between them in the first 64 kB.
    struct Words(BTreeMap<u64, u64>);

    impl Memory for Words {
        fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            for (at, byte) in (addr..).zip(into) {
                if at > 0xffff {
                    return Err(Fault::ReadFault);
                }
                *byte = self.0.get(&(at & !7)).map_or(0, |word| word.to_le_bytes()[(at % 8) as usize]);
            }
            Ok(())
        }
    }

    fn process(native: u32) -> (Words, ProcessConfig) {
        let mut config = ProcessConfig::new_zeroed();
        config.runtime = 0x1000;
        let layout = &mut config.layout;
        layout.runtime_interpreters_head = 8;
        (layout.interp_next, layout.interp_threads_head) = (16, 24);
        (layout.tstate_next, layout.tstate_thread_id, layout.tstate_native_thread_id) = (32, 40, native);
        let words = Words(BTreeMap::from([
            (0x1008, 0x2000),
            (0x2018, 0x3000),
            (0x3020, 0x4000),
            (0x3028, 0x8000),
            (0x3030, 78),
            (0x4028, 0x9000),
            (0x4030, 77),
            (0x8100, 78),
            (0x9100, 77),
        ]));
        (words, config)
    }

    /// With and without the kernel's id in the thread state; a thread without a state is no fault.
    #[test]
    fn finds_threads_by_their_ids() {
        for native in [48, ABSENT] {
            let (memory, config) = process(native);
            let mut states = States::default();
            let mut find = |tid| states.find(&memory, &config, 77, tid);
            assert_eq!((find(77), find(78), find(79)), (Ok(0x4000), Ok(0x3000), Ok(0)));
        }
    }

    /// A list that leads back to itself ends at the bound.
    #[test]
    fn a_loop_of_thread_states_ends() {
        let (mut memory, config) = process(48);
        memory.0.insert(0x4020, 0x3000);
        memory.0.insert(0x2010, 0x2000);
        assert_eq!(States::default().find(&memory, &config, 77, 79), Ok(0));
    }
}
