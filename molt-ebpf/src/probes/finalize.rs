//! At the entry of the interpreter's finalization: the last moment at which its objects are whole.

use crate::maps::{clear_flags, process};
use crate::{emit, fault, task};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::config::{HOLD_SIGNAL, PROCESS_HOLD, ProcessConfig};
use molt_common::event::KIND_FINALIZE;
use molt_common::fault::Fault;

/// On `Py_FinalizeEx` and `Py_Exit`. A process may pass both; it is held at the first one.
#[uprobe]
pub fn finalize(_ctx: ProbeContext) -> u32 {
    let Some(config) = process(task::current_pid()) else { return 0 };
    if let Err(lost) = try_finalize(config) {
        fault::count(lost);
    }
    0
}

#[inline(always)]
fn try_finalize(config: &ProcessConfig) -> Result<(), Fault> {
    let header = task::header(KIND_FINALIZE);
    // The record comes first: by it the tracer knows what the signal means.
    emit::record(&header)?;
    if config.flags & PROCESS_HOLD != 0 && header.pid == header.tid {
        clear_flags(header.pid, PROCESS_HOLD);
        task::signal_current(HOLD_SIGNAL);
    }
    Ok(())
}
