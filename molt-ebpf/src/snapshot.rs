//! The door for copies of objects that may be freed before user space comes to read them.

use crate::fault;
use crate::maps::{Pieces, pieces};
use crate::memory::{UserMemory, read_bytes};
use crate::repeat::{Turn, repeat};
use crate::{emit, task};
use molt_common::event::{KIND_PIECE, KIND_WORDS};
use molt_common::fault::Fault;
use molt_common::layout::ABSENT;
use molt_common::machine::PAGE_BYTES;
use molt_common::plan::{MAX_PIECE, MAX_STEPS, MAX_STRETCH, NO_STEP, OF_SAMPLE, Plan};
use molt_common::walk::{Memory, checked};

/// Sends what `plan` says of the object at `root`.
#[inline(always)]
pub fn send(pieces: &mut Pieces, plan: &Plan, root: u64) {
    pieces.places[0] = root;
    repeat(MAX_STEPS as u32, step, &mut Walk { plan, pieces });
}

/// This CPU's memory for pieces, marked as used.
#[inline(always)]
pub fn take() -> Option<&'static mut Pieces> {
    let Ok(pieces) = pieces() else {
        fault::count(Fault::MapMissing);
        return None;
    };
    if pieces.busy != 0 {
        // Another task was interrupted on this CPU while it used the memory.
        fault::count(Fault::SnapshotBusy);
        return None;
    }
    (pieces.busy, pieces.flags) = (1, 0);
    Some(pieces)
}

/// The same for a sample, which may well have interrupted what uses it.
#[inline(always)]
pub fn take_for_sample() -> Option<&'static mut Pieces> {
    let pieces = pieces().ok().filter(|pieces| pieces.busy == 0)?;
    (pieces.busy, pieces.flags) = (1, OF_SAMPLE);
    Some(pieces)
}

/// A plan that is being followed, as the loop hands it from step to step.
struct Walk<'a> {
    plan: &'a Plan,
    pieces: &'a mut Pieces,
}

extern "C" fn step(index: u32, walk: &mut Walk) -> Turn {
    let Some(step) = walk.plan.steps.get(index as usize) else { return Turn::Stop };
    if step.from == NO_STEP {
        return Turn::Stop;
    }
    let Some(mut place) = walk.pieces.places.get(step.from as usize).copied() else { return Turn::Stop };
    if place != 0 && step.pointer != ABSENT {
        place = UserMemory.read_u64(place + u64::from(step.pointer)).unwrap_or(0);
    }
    let Ok(place) = checked(place) else { return Turn::Go };
    if let Some(slot) = walk.pieces.places.get_mut(index as usize + 1) {
        *slot = place;
    }
    let mut bytes = u64::from(step.bytes);
    if step.count != ABSENT {
        let count = UserMemory.read_u64(place + u64::from(step.count)).unwrap_or(0);
        bytes += count.min(u64::from(MAX_STRETCH)) * u64::from(step.item_bytes);
    }
    walk.pieces.at = place;
    walk.pieces.left = bytes.min(u64::from(step.most)).min(u64::from(MAX_STRETCH));
    repeat(MAX_STRETCH / PAGE_BYTES as u32 + 1, page, &mut walk.pieces);
    Turn::Go
}

/// One page of a stretch of memory. How far it is stands in the map: the verifier would follow it through every turn
/// on the stack.
extern "C" fn page(_index: u32, pieces: &mut &mut Pieces) -> Turn {
    let bytes = pieces.left.min(PAGE_BYTES - pieces.at % PAGE_BYTES);
    if bytes == 0 {
        return Turn::Stop;
    }
    send_part(pieces, pieces.at, bytes);
    pieces.at += bytes;
    pieces.left -= bytes;
    Turn::Go
}

/// Sends the `bytes` bytes at `address`. The page after the one in which they begin may not be there.
#[inline(always)]
pub fn send_piece(pieces: &mut Pieces, address: u64, bytes: u64) {
    let first = bytes.min(PAGE_BYTES - address % PAGE_BYTES);
    send_part(pieces, address, first);
    if bytes > first {
        send_part(pieces, address + first, bytes - first);
    }
}

/// What cannot be read is left to user space, which can take the page fault.
#[inline(never)]
fn send_part(pieces: &mut Pieces, address: u64, bytes: u64) {
    let bytes = bytes.min(MAX_PIECE as u64);
    if bytes == 0 || read_bytes(address, &mut pieces.bytes, bytes as u32).is_err() {
        return;
    }
    pieces.piece.header = task::header(KIND_PIECE);
    pieces.piece.header.flags = pieces.flags;
    pieces.piece.address = address;
    pieces.piece.bytes = bytes;
    if let Err(lost) = emit::piece(pieces, bytes) {
        fault::count(lost);
    }
}

/// Sends the words that were gathered.
#[inline(always)]
pub fn send_words(pieces: &mut Pieces) {
    pieces.words_head.header = task::header(KIND_WORDS);
    pieces.words_head.address = 0;
    pieces.words_head.bytes = 16 * pieces.gathered;
    if let Err(lost) = emit::words(pieces, pieces.gathered as u32) {
        fault::count(lost);
    }
}
