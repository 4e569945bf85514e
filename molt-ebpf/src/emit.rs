//! The door for the ring buffer. A record that finds no room is counted.
//!
//! To wake user space takes longer than a walk over 30 frames (7 µs on a virtual machine, for the interrupt that
//! a CPU sends itself). It looks every few milliseconds anyway, so only what cannot wait wakes it.

use crate::maps::{EVENTS, Pieces, Scratch};
use aya_ebpf::bindings::{BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::generated::bpf_ringbuf_output;
use molt_common::event::sample::{Frame, Sample};
use molt_common::fault::Fault;
use molt_common::limits::MAX_FRAMES;
use molt_common::plan::{MAX_PIECE, Piece};
use zerocopy::{Immutable, IntoBytes};

/// When user space is to take a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// At once. It may be asleep with records waiting, so it is not enough that this one is the first.
    Now = BPF_RB_FORCE_WAKEUP as isize,
    /// When it looks.
    Later = BPF_RB_NO_WAKEUP as isize,
}

/// Sends one record of fixed size.
#[inline(always)]
pub fn record<T: IntoBytes + Immutable>(record: &T) -> Result<(), Fault> {
    output((&raw const *record).cast(), size_of::<T>() as u64, Take::Now)
}

/// Sends one record of fixed size, which user space takes when it looks.
#[inline(always)]
pub fn later<T: IntoBytes + Immutable>(record: &T) -> Result<(), Fault> {
    output((&raw const *record).cast(), size_of::<T>() as u64, Take::Later)
}

/// Sends a sample and its first `frames` frames, which follow it in `scratch`.
#[inline(always)]
pub fn sample(scratch: &Scratch, frames: u32, take: Take) -> Result<(), Fault> {
    let frames = (frames as usize).min(MAX_FRAMES);
    let bytes = size_of::<Sample>() + frames * size_of::<Frame>();
    output((&raw const *scratch).cast(), bytes as u64, take)
}

/// Sends a piece and its first `bytes` bytes, which follow it in `pieces`. It is of use with the call that it is
/// for, which comes later.
#[inline(always)]
pub fn piece(pieces: &Pieces, bytes: u64) -> Result<(), Fault> {
    let bytes = bytes.min(MAX_PIECE as u64);
    output((&raw const *pieces).cast(), size_of::<Piece>() as u64 + bytes, Take::Later)
}

/// Sends the first `count` words of `pieces`, which follow their head.
#[inline(always)]
pub fn words(pieces: &Pieces, count: u32) -> Result<(), Fault> {
    let count = (count as usize).min(pieces.words.len());
    let bytes = size_of::<Piece>() + count * size_of::<[u64; 2]>();
    output((&raw const pieces.words_head).cast(), bytes as u64, Take::Later)
}

#[inline(always)]
fn output(data: *const u8, bytes: u64, take: Take) -> Result<(), Fault> {
    // SAFETY: callers give memory that is readable for `bytes` bytes: a record without padding, or the head
    // of the scratch memory, in which `frames` follows `sample` (`repr(C)`).
    let status = unsafe {
        bpf_ringbuf_output((&raw const EVENTS).cast_mut().cast(), data.cast_mut().cast(), bytes, take as u64)
    };
    if status == 0 { Ok(()) } else { Err(Fault::RingFull) }
}
