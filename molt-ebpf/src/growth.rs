//! What system calls give a process for its heap.

use crate::allocations::count;
use crate::effects::Hit;
use crate::maps::BREAKS;
use crate::memory::kernel_u64;
use aya_ebpf::bindings::BPF_ANY;
use molt_common::allocation::{MAX_SIZE, kind};
use molt_common::effect::syscall;
use molt_common::fault::Fault;

/// Offsets in `struct pt_regs` of `rdi`, `rsi`, `rdx` and `r10`, which hold the arguments of a system call
/// (`arch/x86/include/asm/ptrace.h`).
pub const ARGUMENTS: [u64; 4] = [112, 104, 96, 56];

/// Readable and writable, and nothing else (`PROT_READ | PROT_WRITE`).
const DATA: u64 = 1 | 2;
/// Anonymous memory, but for stacks of threads and what is only set aside (`MAP_ANONYMOUS`, `MAP_NORESERVE`,
/// `MAP_STACK`, `include/uapi/asm-generic/mman-common.h`).
const KIND: u64 = 0x20 | 0x4000 | 0x20000;
const ANONYMOUS: u64 = 0x20;

/// Counts the system call whose thread has these registers, if it makes the heap grow.
#[inline(always)]
pub fn grow(regs: u64, look: u8, hit: &Hit) -> Result<(), Fault> {
    let argument = |index: usize| kernel_u64(regs + ARGUMENTS[index]);
    let bytes = match look {
        syscall::MAP if argument(2)? == DATA && argument(3)? & KIND == ANONYMOUS => argument(1)?,
        syscall::REMAP => argument(2)?.saturating_sub(argument(1)?),
        syscall::BREAK => moved(hit.config.program, argument(0)?),
        _ => 0,
    };
    if bytes == 0 || bytes > MAX_SIZE { Ok(()) } else { count(hit, kind::GROWTH, bytes) }
}

/// The end of a program's data goes to `end`. By how much it is behind where it was, if that is known.
#[inline(always)]
fn moved(program: u32, end: u64) -> u64 {
    if end == 0 {
        // That only asks.
        return 0;
    }
    // SAFETY: an element's memory outlives this program, as in `maps::process`.
    let before = unsafe { BREAKS.get(program) }.copied().unwrap_or(end);
    let _ = BREAKS.insert(program, end, BPF_ANY.into());
    end.saturating_sub(before)
}
