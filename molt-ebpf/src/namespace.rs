//! Ids of threads and processes in the pid namespace that user space lives in, where that is not the initial one.

use crate::maps::KERNEL;
use crate::memory::{kernel_u32, kernel_u64};
use aya_ebpf::helpers::generated::bpf_get_current_task;
use core::ffi::c_void;
use molt_common::config::PidLayout;

/// How many namespaces lie around the one that user space lives in; 0 in the initial one. User space sets it before it
/// loads a program, and to the verifier it is a constant: of what follows programs carry nothing where it is 0.
#[unsafe(link_section = ".rodata.molt_namespace")]
#[unsafe(no_mangle)]
static NAMESPACE_LEVEL: u32 = 0;

/// Whether ids are those of another namespace than the initial one.
#[inline(always)]
pub fn is_inner() -> bool {
    level() != 0
}

#[inline(always)]
fn level() -> u32 {
    // SAFETY: a static of this program is read.
    unsafe { core::ptr::read_volatile(&raw const NAMESPACE_LEVEL) }
}

/// Process id and, in the lower half, thread id of the `task_struct` at `task`; 0 if it is not in the namespace.
///
/// What cannot be read is 0, and so is what is read from there: a branch at the end costs the verifier less than one for
/// each read. A function of its own, since it takes more room on the stack than some programs have, and one that others
/// may call, since the verifier looks at such a function once and not at each call.
#[inline(never)]
#[unsafe(export_name = "namespace_ids")]
pub extern "C" fn ids(task: u64) -> u64 {
    let Some(kernel) = KERNEL.get(0) else { return 0 };
    let at = &kernel.pids;
    let leader = word(task + u64::from(at.task_group_leader));
    let thread = word(task + u64::from(at.task_thread_pid));
    let process = word(leader + u64::from(at.task_thread_pid));
    let space = word(number(at, thread) + u64::from(at.upid_ns));
    let is_there = half(thread + u64::from(at.pid_level)) >= level();
    if !is_there || half(space + u64::from(at.namespace_inum)) != kernel.namespace {
        return 0;
    }
    let id = |pid| u64::from(half(number(at, pid) + u64::from(at.upid_nr)));
    id(process) << 32 | id(thread)
}

/// Address of the `struct upid` of a `struct pid` at user space's level, if it is that deep.
#[inline(always)]
fn number(at: &PidLayout, pid: u64) -> u64 {
    pid + u64::from(at.pid_numbers) + u64::from(level()) * u64::from(at.upid_bytes)
}

#[inline(always)]
fn word(address: u64) -> u64 {
    kernel_u64(address).unwrap_or(0)
}

#[inline(always)]
fn half(address: u64) -> u32 {
    kernel_u32(address).unwrap_or(0)
}

/// Gives the level of the namespace of whoever runs it. It is run by user space, and attached to nothing. Without
/// aya's macro, which drops the result.
#[unsafe(link_section = "raw_tp")]
#[unsafe(no_mangle)]
pub extern "C" fn namespace_level(_ctx: *mut c_void) -> u32 {
    let Some(kernel) = KERNEL.get(0) else { return 0 };
    // SAFETY: the helper takes nothing and gives the address of the current task.
    let task = unsafe { bpf_get_current_task() };
    let pid = word(task + u64::from(kernel.pids.task_thread_pid));
    half(pid + u64::from(kernel.pids.pid_level))
}
