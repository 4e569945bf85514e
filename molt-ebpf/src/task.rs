//! The current thread, and the kernel's own record of threads.

use crate::maps::KERNEL;
use crate::memory::{kernel_u32, kernel_u64};
use crate::namespace;
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::{
    bpf_get_attach_cookie, bpf_get_current_task, bpf_get_prandom_u32, bpf_ktime_get_ns,
    bpf_send_signal_thread,
};
use molt_common::config::KernelLayout;
use molt_common::event::Header;
use molt_common::fault::Fault;
use molt_common::layout::ABSENT;

/// Process id of the current thread, 0 if it is in no namespace that user space sees.
#[inline(always)]
pub fn current_pid() -> u32 {
    (current() >> 32) as u32
}

/// Thread id of the current thread.
#[inline(always)]
pub fn current_tid() -> u32 {
    current() as u32
}

/// Process id and, in the lower half, thread id of the current thread.
#[inline(always)]
fn current() -> u64 {
    if namespace::is_inner() {
        // SAFETY: the helper takes nothing and gives the address of the current task.
        namespace::ids(unsafe { bpf_get_current_task() })
    } else {
        bpf_get_current_pid_tgid()
    }
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
#[inline(always)]
pub fn now_ns() -> u64 {
    // SAFETY: the helper takes nothing and reads a clock.
    unsafe { bpf_ktime_get_ns() }
}

/// A random number.
#[inline(always)]
pub fn random() -> u32 {
    // SAFETY: the helper takes nothing and gives a number.
    unsafe { bpf_get_prandom_u32() as u32 }
}

/// A record's header for the current thread.
#[inline(always)]
pub fn header(kind: u16) -> Header {
    let ids = current();
    Header { kind, flags: 0, pid: (ids >> 32) as u32, tid: ids as u32, reserved: 0, time_ns: now_ns() }
}

/// Sends the current thread a signal, which it gets when it returns to its program.
#[inline(always)]
pub fn signal_current(signal: u32) {
    // SAFETY: the helper takes a number. It fails for a thread that is exiting, which nothing can hold.
    unsafe { bpf_send_signal_thread(signal) };
}

/// Where this kernel keeps what is read from its `task_struct`.
#[inline(always)]
pub fn layout() -> Result<&'static KernelLayout, Fault> {
    KERNEL.get(0).ok_or(Fault::MapMissing)
}

/// The current thread's pointer (x86-64: `fsbase`), or 0 where this kernel's layout does not name it.
#[inline(always)]
pub fn thread_pointer() -> Result<u64, Fault> {
    let at = layout()?.task_thread_pointer;
    if at == ABSENT {
        return Ok(0);
    }
    // SAFETY: the helper takes nothing and gives the address of the current task.
    let task = unsafe { bpf_get_current_task() };
    kernel_u64(task + u64::from(at))
}

/// Process id and thread id of the `task_struct` at `task`; zeros if it is in no namespace that user space sees.
#[inline(always)]
pub fn ids(task: u64) -> Result<(u32, u32), Fault> {
    if namespace::is_inner() {
        let ids = namespace::ids(task);
        return Ok(((ids >> 32) as u32, ids as u32));
    }
    let layout = layout()?;
    let pid = kernel_u32(task + u64::from(layout.task_tgid))?;
    let tid = kernel_u32(task + u64::from(layout.task_pid))?;
    Ok((pid, tid))
}

/// The number that the probe's link was given for this place.
#[inline(always)]
pub fn cookie(ctx: &impl EbpfContext) -> u64 {
    // SAFETY: the helper takes the program's own context.
    unsafe { bpf_get_attach_cookie(ctx.as_ptr()) }
}
