//! A process that is not traced runs another program, and may have become one that is to be.

use crate::maps::process;
use crate::{emit, fault, task};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use molt_common::event::KIND_STRANGER;

/// `sched_process_exec`, attached only where any process may be the next one to trace.
#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub fn stranger_exec(_ctx: RawTracePointContext) -> i32 {
    let pid = task::current_pid();
    if pid == 0 || process(pid).is_some() {
        return 0;
    }
    if let Err(lost) = emit::record(&task::header(KIND_STRANGER)) {
        fault::count(lost);
    }
    0
}
