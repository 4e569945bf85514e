//! A launched program is about to run its first instruction: its libraries are mapped, and nothing has run.

use crate::maps::process;
use crate::{emit, fault, task};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::config::{HOLD_SIGNAL, PROCESS_HOLD};
use molt_common::event::KIND_START;
use molt_common::fault::Fault;

/// At the entry point of the program's file.
#[uprobe]
pub fn start(_ctx: ProbeContext) -> u32 {
    let Some(config) = process(task::current_pid()) else { return 0 };
    if config.flags & PROCESS_HOLD == 0 {
        return 0;
    }
    if let Err(lost) = try_start() {
        fault::count(lost);
    }
    0
}

#[inline(always)]
fn try_start() -> Result<(), Fault> {
    // The record comes first: by it the tracer knows what the signal means.
    emit::record(&task::header(KIND_START))?;
    task::signal_current(HOLD_SIGNAL);
    Ok(())
}
