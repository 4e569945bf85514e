//! From the current thread to its `PyThreadState`.

use crate::memory::UserMemory;
use crate::repeat::{Turn, repeat};
use crate::task;
use molt_common::config::{PROCESS_TSS, ProcessConfig};
use molt_common::fault::Fault;
use molt_common::layout::WalkLayout;
use molt_common::limits::MAX_THREADS;
use molt_common::walk::thread::{Search, Thread, belongs, by_key};

/// The current thread's `PyThreadState`, 0 if it has none: by its per-thread key where that works, else by
/// the interpreters' thread lists.
#[inline(always)]
pub fn state(config: &ProcessConfig) -> Result<u64, Fault> {
    let thread = Thread { pointer: task::thread_pointer()?, tid: task::current_tid() };
    if config.flags & PROCESS_TSS != 0 && thread.pointer != 0 {
        let tstate = by_key(&UserMemory, thread, config.tss_key)?;
        if tstate == 0 || belongs(&UserMemory, &config.layout, tstate, thread)? {
            return Ok(tstate);
        }
    }
    let search = match Search::new(&UserMemory, &config.layout, config.runtime, thread) {
        // While the dynamic linker works nobody has written to the runtime, and its page is not there yet.
        Err(Fault::ReadFault) => return Ok(0),
        search => search?,
    };
    let mut lookup = Lookup { search, found: Ok(None), layout: &config.layout };
    repeat(MAX_THREADS, look, &mut lookup);
    lookup.found.map(|tstate| tstate.unwrap_or(0))
}

/// A search for a thread's state, as the loop hands it from step to step.
struct Lookup<'a> {
    search: Search,
    found: Result<Option<u64>, Fault>,
    layout: &'a WalkLayout,
}

/// One step of the search; [`Turn::Stop`] at its end.
extern "C" fn look(_index: u32, lookup: &mut Lookup) -> Turn {
    lookup.found = lookup.search.advance(&UserMemory, lookup.layout);
    if lookup.found == Ok(None) { Turn::Go } else { Turn::Stop }
}
