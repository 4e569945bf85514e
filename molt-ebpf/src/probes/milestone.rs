//! The interpreter begins, or is about to be torn down: the first and the last moment at which it can be read.

use crate::maps::{clear_flags, process};
use crate::{emit, fault, task};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::config::{HOLD_SIGNAL, PROCESS_HOLD, PROCESS_HOLD_START, ProcessConfig, milestone};
use molt_common::event::{KIND_FINALIZE, KIND_START};
use molt_common::fault::Fault;

/// On the functions that begin an interpreter, and on `Py_FinalizeEx` and `Py_Exit`, which end it. A process may
/// pass several of either; it is held at the first one.
#[uprobe]
pub fn milestone(ctx: ProbeContext) -> u32 {
    let Some(config) = process(task::current_pid()) else { return 0 };
    let done = match task::cookie(&ctx) {
        milestone::START => try_start(config),
        _ => try_finalize(config),
    };
    if let Err(lost) = done {
        fault::count(lost);
    }
    0
}

#[inline(always)]
fn try_start(config: &ProcessConfig) -> Result<(), Fault> {
    let header = task::header(KIND_START);
    if config.flags & PROCESS_HOLD_START != 0 && header.pid == header.tid {
        // The record comes first: by it the tracer knows what the signal means.
        emit::record(&header)?;
        clear_flags(header.pid, PROCESS_HOLD_START);
        task::signal_current(HOLD_SIGNAL);
    }
    Ok(())
}

#[inline(always)]
fn try_finalize(config: &ProcessConfig) -> Result<(), Fault> {
    let header = task::header(KIND_FINALIZE);
    emit::record(&header)?;
    if config.flags & PROCESS_HOLD != 0 && header.pid == header.tid {
        clear_flags(header.pid, PROCESS_HOLD);
        task::signal_current(HOLD_SIGNAL);
    }
    Ok(())
}
