//! Threads and processes begin, run another program, and end.
//!
//! Raw tracepoints: they need no tracefs, and give the `task_struct`s themselves
//! (`include/trace/events/sched.h`).

use crate::maps::{PROCESSES, process};
use crate::{emit, fault, task};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use molt_common::config::{PROCESS_FOLLOW, PROCESS_HOLD, PROCESS_HOLD_START, PROCESS_READY, ProcessConfig};
use molt_common::event::process::Birth;
use molt_common::event::{KIND_BIRTH, KIND_END, KIND_EXEC};
use molt_common::fault::Fault;

/// `sched_process_fork(parent, child)`: threads and processes alike.
#[raw_tracepoint(tracepoint = "sched_process_fork")]
pub fn process_fork(ctx: RawTracePointContext) -> i32 {
    let Some(parent) = process(task::current_pid()) else { return 0 };
    if let Err(lost) = try_fork(parent, ctx.arg(1)) {
        fault::count(lost);
    }
    0
}

#[inline(always)]
fn try_fork(parent: &ProcessConfig, child: u64) -> Result<(), Fault> {
    let (child_pid, child_tid) = task::ids(child)?;
    let header = task::header(KIND_BIRTH);
    if child_pid == 0 {
        // It was made in a namespace that user space does not see.
        return Ok(());
    }
    if child_pid != header.pid {
        if parent.flags & PROCESS_FOLLOW == 0 {
            return Ok(());
        }
        // The child has a copy of the parent's memory, so what holds for one holds for the other; but nobody
        // follows it with ptrace.
        let mut config = *parent;
        config.flags &= !(PROCESS_HOLD | PROCESS_HOLD_START);
        PROCESSES.insert(child_pid, config, 0).map_err(|_| Fault::ProcessTableFull)?;
    }
    emit::record(&Birth { header, child_pid, child_tid })
}

/// `sched_process_exec`: the current process has got a new address space.
#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub fn process_exec(_ctx: RawTracePointContext) -> i32 {
    let Some(config) = process(task::current_pid()) else { return 0 };
    if let Err(lost) = try_exec(config) {
        fault::count(lost);
    }
    0
}

#[inline(always)]
fn try_exec(config: &ProcessConfig) -> Result<(), Fault> {
    let header = task::header(KIND_EXEC);
    let mut unknown = *config;
    unknown.flags &= !PROCESS_READY;
    PROCESSES.insert(header.pid, unknown, 0).map_err(|_| Fault::ProcessTableFull)?;
    emit::record(&header)
}

/// `sched_process_exit`: the current thread ends.
#[raw_tracepoint(tracepoint = "sched_process_exit")]
pub fn process_exit(_ctx: RawTracePointContext) -> i32 {
    if process(task::current_pid()).is_none() {
        return 0;
    }
    if let Err(lost) = emit::record(&task::header(KIND_END)) {
        fault::count(lost);
    }
    0
}
