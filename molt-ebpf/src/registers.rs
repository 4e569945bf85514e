//! The door for registers of the interrupted thread. What is particular to x86-64 is here alone.

use aya_ebpf::bindings::pt_regs;
use core::hint::black_box;
use molt_common::machine::{PAGE_BYTES, USER_TOP};

/// Whether the thread was interrupted in its program, not in the kernel: by the privilege level of its code segment.
#[inline(always)]
pub fn is_user(regs: *const pt_regs) -> bool {
    // SAFETY: as in [`register`].
    let regs = unsafe { &*regs };
    // SAFETY: as above.
    let segment = unsafe { (&raw const regs.cs).read_volatile() };
    segment & 3 == 3
}

/// The instruction at which the thread was interrupted.
#[inline(always)]
pub fn instruction(regs: *const pt_regs) -> u64 {
    // SAFETY: as in [`register`].
    let regs = unsafe { &*regs };
    // SAFETY: as above.
    unsafe { (&raw const regs.rip).read_volatile() }
}

/// Whether the last comparison found both sides equal (`ZF`, bit 6 of the flags).
#[inline(always)]
pub fn is_equal(regs: *const pt_regs) -> bool {
    // SAFETY: as in [`register`].
    let regs = unsafe { &*regs };
    // SAFETY: as above.
    let flags = unsafe { (&raw const regs.eflags).read_volatile() };
    flags & 1 << 6 != 0
}

/// Whether an instruction is one that the kernel has put into the process for probes: in the highest page of user space
/// (`xol_add_vma`, `kernel/events/uprobes.c`), through which the return of a function that is seen leads.
#[inline(always)]
pub fn is_of_probes(instruction: u64) -> bool {
    const HIGHEST_PAGE: u64 = USER_TOP - 2 * PAGE_BYTES;
    instruction >= HIGHEST_PAGE
}

/// The number of the stack pointer.
pub const RSP: u8 = 4;

/// The value of register `number` as instructions number them: 0 is `rax`, 15 is `r15`.
///
/// The verifier wants each access to be at a constant offset, so that the compiler must not turn the choice
/// into arithmetic.
#[inline(always)]
pub fn register(regs: *const pt_regs, number: u8) -> u64 {
    macro_rules! read {
        ($name:ident) => {
            // SAFETY: the context of a probe is the interrupted thread's registers, all of which are readable.
            black_box(unsafe { (&raw const (*regs).$name).read_volatile() })
        };
    }
    match number {
        0 => read!(rax),
        1 => read!(rcx),
        2 => read!(rdx),
        3 => read!(rbx),
        4 => read!(rsp),
        5 => read!(rbp),
        6 => read!(rsi),
        7 => read!(rdi),
        8 => read!(r8),
        9 => read!(r9),
        10 => read!(r10),
        11 => read!(r11),
        12 => read!(r12),
        13 => read!(r13),
        14 => read!(r14),
        15 => read!(r15),
        _ => 0,
    }
}

/// The first argument of the function at whose entry the probe is (System V ABI: `rdi`).
#[inline(always)]
pub fn first_argument(regs: *const pt_regs) -> u64 {
    register(regs, 7)
}

/// What the function returns at whose return the probe is (System V ABI: `rax`).
#[inline(always)]
pub fn returned(regs: *const pt_regs) -> u64 {
    register(regs, 0)
}
