//! Ids of threads and processes in the pid namespace that user space lives in, where that is not the initial one.

use crate::maps::KERNEL;
use crate::memory::{kernel_u32, kernel_u64};
use crate::repeat::{Turn, repeat};
use molt_common::config::{KernelLayout, MAX_PID_LEVELS};
use molt_common::fault::Fault;

/// Process id and, in the lower half, thread id of the `task_struct` at `task`; 0 if it is not in the namespace.
///
/// A function of its own, since it takes more room on the stack than some programs have.
#[inline(never)]
pub fn ids(task: u64) -> u64 {
    let Some(layout) = KERNEL.get(0) else { return 0 };
    let Ok(leader) = kernel_u64(task + u64::from(layout.pids.task_group_leader)) else { return 0 };
    match (id(layout, leader), id(layout, task)) {
        (Ok(process), Ok(thread)) => u64::from(process) << 32 | u64::from(thread),
        _ => 0,
    }
}

/// The id of a task in the namespace, 0 if it has none there.
#[inline(always)]
fn id(layout: &'static KernelLayout, task: u64) -> Result<u32, Fault> {
    let pid = kernel_u64(task + u64::from(layout.pids.task_thread_pid))?;
    let level = kernel_u32(pid + u64::from(layout.pids.pid_level))?;
    let numbers = pid + u64::from(layout.pids.pid_numbers);
    let mut search = Search { layout, numbers, level, found: 0 };
    repeat(MAX_PID_LEVELS + 1, look, &mut search);
    Ok(search.found)
}

/// A search for the namespace among those of a task, as the loop hands it from step to step.
struct Search {
    layout: &'static KernelLayout,
    numbers: u64,
    level: u32,
    found: u32,
}

/// Looks at the task's own namespace first, then at those around it: most tasks that are traced live where user space
/// does.
extern "C" fn look(around: u32, search: &mut Search) -> Turn {
    if around > search.level {
        return Turn::Stop;
    }
    let layout = &search.layout.pids;
    let number = search.numbers + u64::from(search.level - around) * u64::from(layout.upid_bytes);
    let space = kernel_u64(number + u64::from(layout.upid_ns)).unwrap_or(0);
    if kernel_u32(space + u64::from(layout.namespace_inum)) != Ok(search.layout.namespace) {
        return Turn::Go;
    }
    search.found = kernel_u32(number + u64::from(layout.upid_nr)).unwrap_or(0);
    Turn::Stop
}
