//! A frame that begins, and what lies around it.
//!
//! To read user memory costs the kernel some 60 ns however little is read, and 10 ns more for 400 bytes. From 3.11 on
//! frames lie on a stack, the caller's mostly right before the callee's, whose slots follow its head: all of that is
//! read at once.

use super::Layouts;
use crate::call::{CallLayout, MAX_SLOTS};
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use crate::walk::{Block, Memory};
use zerocopy::IntoBytes;

/// Where the frame that begins stands in the block, in bytes: before it is room for its caller's, with as many as
/// 35 slots, and behind its head for 8 slots.
const HERE: u32 = 360;

/// The frame that begins, and the one that is looked at as its caller.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Frames {
    pub(super) block: Block<64>,
}

impl Frames {
    /// Reads the frame at `frame`, which begins. Where it stands in the block, and whether what lies around it was
    /// read as well; a stack of frames begins and ends somewhere, and up to 3.10 there is none.
    #[inline(always)]
    pub(super) fn read<M: Memory>(
        &mut self,
        memory: &M,
        walk: &WalkLayout,
        frame: u64,
    ) -> Result<(u32, bool), Fault> {
        if walk.code_adaptive != ABSENT {
            let from = frame.wrapping_sub(u64::from(HERE));
            if memory.read(from, self.block.as_mut_bytes()).is_ok() {
                return Ok((HERE, true));
            }
        }
        self.block.fill_behind(memory, HERE, frame, walk.frame_bytes)?;
        Ok((HERE, false))
    }

    /// Copies the first `count` slots of the frame that begins.
    #[inline(always)]
    pub(super) fn slots(&self, call: &CallLayout, count: u32, values: &mut [u64; MAX_SLOTS]) {
        for (index, value) in (0..).zip(values) {
            if index < count {
                *value = self.block.u64(HERE + call.frame_slots + 8 * index);
            }
        }
    }

    /// Where the frame at `caller` stands in the block: before `frame`, or at its beginning, to where it is read.
    #[inline(always)]
    pub(super) fn caller<M: Memory>(
        &mut self,
        memory: &M,
        layouts: Layouts<'_>,
        (frame, is_whole): (u64, bool),
        caller: u64,
    ) -> Result<u32, Fault> {
        let bytes = layouts.walk.frame_bytes;
        let distance = frame.wrapping_sub(caller);
        if is_whole && distance >= u64::from(bytes) && distance <= u64::from(HERE) {
            return Ok(HERE - distance as u32);
        }
        self.block.fill(memory, caller, bytes)?;
        Ok(0)
    }
}
