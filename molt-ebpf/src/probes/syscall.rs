//! A thread makes a system call.

use crate::effects::{Hit, Kind, choose, settle};
use crate::growth::{ARGUMENTS, grow};
use crate::maps::SYSCALLS;
use crate::memory::{UserMemory, kernel_u64};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use molt_common::effect::{MAX_SYSCALLS, of_clone, of_open, syscall};
use molt_common::fault::Fault;
use molt_common::walk::Memory;

/// `sys_enter(regs, number)` (`include/trace/events/syscalls.h`).
#[raw_tracepoint(tracepoint = "sys_enter")]
pub fn syscall_enter(ctx: RawTracePointContext) -> i32 {
    let Some(hit) = Hit::begin(Kind::Syscall) else { return 0 };
    settle(try_syscall(&ctx, &hit));
    hit.end();
    0
}

#[inline(always)]
fn try_syscall(ctx: &RawTracePointContext, hit: &Hit) -> Result<(), Fault> {
    let (regs, number) = (ctx.arg::<u64>(0), ctx.arg::<u64>(1));
    if number >= u64::from(MAX_SYSCALLS) {
        return Ok(());
    }
    let number = number as u32;
    let look = SYSCALLS.get(number).copied().unwrap_or(syscall::IGNORED);
    if look == syscall::IGNORED {
        return Ok(());
    }
    if look >= syscall::MAP {
        return grow(regs, look, hit);
    }
    let Some(sampled) = choose(number) else { return Ok(()) };
    let mut seen = hit.seen();
    seen.key.number = number;
    match look {
        syscall::OPEN => seen.key.flags = of_open(argument(regs, 1)?),
        syscall::OPENAT => seen.key.flags = of_open(argument(regs, 2)?),
        syscall::CLONE => seen.key.flags = of_clone(argument(regs, 0)?),
        // `struct clone_args` (`include/uapi/linux/sched.h`).
        syscall::CLONE3 => seen.key.flags = of_clone(UserMemory.read_u64(argument(regs, 0)?)?),
        _ => {}
    }
    hit.count(&mut seen, sampled, || {})
}

/// Argument `index`, 0 to 2, of the system call whose thread has these registers.
#[inline(always)]
fn argument(regs: u64, index: usize) -> Result<u64, Fault> {
    kernel_u64(regs + ARGUMENTS[index])
}
