//! The door for loops that are too long to be unrolled by the verifier: it checks the body once.

use aya_ebpf::helpers::generated::bpf_loop;

/// What one turn of a loop says; the numbers are those that `bpf_loop` asks for (`kernel/bpf/bpf_iter.c`,
/// Linux 5.17).
#[repr(i64)]
pub enum Turn {
    /// Take another turn, if any is left.
    Go = 0,
    /// End the loop.
    Stop = 1,
}

/// Calls `turn` with 0, 1, 2 ... and `context`, at most `turns` times.
#[inline(always)]
pub fn repeat<C>(turns: u32, turn: extern "C" fn(u32, &mut C) -> Turn, context: &mut C) {
    // SAFETY: `turn` has the signature that the helper calls, `context` is only handed on to it, and both
    // outlive the call.
    unsafe { bpf_loop(turns, turn as *mut _, (&raw mut *context).cast(), 0) };
}
