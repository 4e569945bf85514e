//! The door for the ring buffer. A record that finds no room is counted.

use crate::maps::{EVENTS, Pieces, Scratch};
use aya_ebpf::helpers::generated::bpf_ringbuf_output;
use molt_common::event::sample::{Frame, Sample};
use molt_common::fault::Fault;
use molt_common::limits::MAX_FRAMES;
use molt_common::plan::{MAX_PIECE, Piece};
use zerocopy::{Immutable, IntoBytes};

/// Sends one record of fixed size.
#[inline(always)]
pub fn record<T: IntoBytes + Immutable>(record: &T) -> Result<(), Fault> {
    output((&raw const *record).cast(), size_of::<T>() as u64)
}

/// Sends a sample and its first `frames` frames, which follow it in `scratch`.
#[inline(always)]
pub fn sample(scratch: &Scratch, frames: u32) -> Result<(), Fault> {
    let frames = (frames as usize).min(MAX_FRAMES);
    let bytes = size_of::<Sample>() + frames * size_of::<Frame>();
    output((&raw const *scratch).cast(), bytes as u64)
}

/// Sends a piece and its first `bytes` bytes, which follow it in `pieces`.
#[inline(always)]
pub fn piece(pieces: &Pieces, bytes: u64) -> Result<(), Fault> {
    let bytes = bytes.min(MAX_PIECE as u64);
    output((&raw const *pieces).cast(), size_of::<Piece>() as u64 + bytes)
}

#[inline(always)]
fn output(data: *const u8, bytes: u64) -> Result<(), Fault> {
    // SAFETY: callers give memory that is readable for `bytes` bytes: a record without padding, or the head
    // of the scratch memory, in which `frames` follows `sample` (`repr(C)`).
    let status = unsafe {
        bpf_ringbuf_output((&raw const EVENTS).cast_mut().cast(), data.cast_mut().cast(), bytes, 0)
    };
    if status == 0 { Ok(()) } else { Err(Fault::RingFull) }
}
