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
pub(super) const HERE: u32 = 360;

/// The frame that begins, and the one that is looked at as its caller.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Frames {
    pub(super) block: Block<64>,
    /// Whether what lies around the frame that begins was read as well: a stack of frames begins and ends somewhere,
    /// and up to 3.10 there is none. Here, since the verifier would follow what it knows of it elsewhere.
    is_whole: u64,
}

impl Frames {
    /// Reads the frame at `frame`, which begins, to [`HERE`].
    #[inline(always)]
    pub(super) fn read<M: Memory>(&mut self, memory: &M, walk: &WalkLayout, frame: u64) -> Result<(), Fault> {
        let from = frame.wrapping_sub(u64::from(HERE));
        let is_whole = walk.code_adaptive != ABSENT && memory.read(from, self.block.as_mut_bytes()).is_ok();
        self.is_whole = u64::from(is_whole);
        if is_whole { Ok(()) } else { self.block.fill_behind(memory, HERE, frame, walk.frame_bytes) }
    }

    /// Whether the slots of the frame that begins are in the block.
    #[inline(always)]
    pub(super) fn has_slots(&self) -> bool {
        self.is_whole != 0
    }

    /// Copies the first `count` slots of the frame that begins.
    #[inline(always)]
    pub(super) fn slots(&self, call: &CallLayout, count: u32, values: &mut [u64; MAX_SLOTS]) {
        for (index, value) in (0u32..).zip(values) {
            // All bits where the index is below the count. A branch for each would be nine ways for the verifier.
            let kept = (i64::from(index) - i64::from(count)) >> 63;
            *value = self.block.u64(HERE + call.frame_slots + 8 * index) & kept.cast_unsigned();
        }
    }

    /// Where the frame at `caller` stands in the block: before `frame`, or at its beginning, to where it is read.
    #[inline(always)]
    pub(super) fn caller<M: Memory>(
        &mut self,
        memory: &M,
        layouts: Layouts<'_>,
        frame: u64,
        caller: u64,
    ) -> Result<u32, Fault> {
        let bytes = layouts.walk.frame_bytes;
        let distance = frame.wrapping_sub(caller);
        if self.is_whole != 0 && distance >= u64::from(bytes) && distance <= u64::from(HERE) {
            return Ok(HERE - distance as u32);
        }
        self.block.fill(memory, caller, bytes)?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::MAX_SLOTS;
    use zerocopy::FromZeros;

    /// Memory from `first` on, in which each word holds its own address.
    struct Stretch {
        first: u64,
        bytes: u64,
    }

    impl Memory for Stretch {
        fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            let end = addr.checked_add(into.len() as u64).ok_or(Fault::ReadFault)?;
            if addr < self.first || end > self.first + self.bytes {
                return Err(Fault::ReadFault);
            }
            for (at, byte) in (addr..).zip(into) {
                *byte = (at & !7).to_le_bytes()[(at & 7) as usize];
            }
            Ok(())
        }
    }

    fn layouts() -> (WalkLayout, CallLayout) {
        let (mut walk, mut call) = (WalkLayout::new_zeroed(), CallLayout::new_zeroed());
        (walk.code_adaptive, walk.frame_bytes) = (192, 72);
        call.frame_slots = 72;
        (walk, call)
    }

    /// Wherever a caller lies, and wherever memory ends, what is found of both frames is what lies there.
    #[test]
    fn frames_are_the_same_however_they_were_read() {
        let (walk, call) = layouts();
        let layouts = Layouts { walk: &walk, call: &call };
        let frame = 0x1_0000;
        for (first, bytes) in [(0x8000, 0x1_0000), (0xff00, 0x1000), (0x8000, 0x8048)] {
            let memory = Stretch { first, bytes };
            for caller in [frame - 8 * 9, frame - 0xa0, frame - 360 + 0x100, frame + 0x100 - 0x180] {
                let mut frames = Frames::default();
                frames.read(&memory, &walk, frame).unwrap();
                assert_eq!(frames.block.u64(HERE + 64), frame + 64);
                let is_whole = frames.has_slots();
                assert_eq!(is_whole, first == 0x8000 && bytes == 0x1_0000);
                let mut slots = [0; MAX_SLOTS];
                frames.slots(&call, 2, &mut slots);
                assert!(!is_whole || slots == [frame + 72, frame + 80, 0, 0, 0, 0, 0, 0]);
                let found = frames.caller(&memory, layouts, frame, caller).unwrap();
                assert_eq!(frames.block.u64(found + 64), caller + 64, "{caller:#x} in {first:#x}");
                assert_eq!(frames.block.u64(HERE + 64), frame + 64, "the callee's is still there");
            }
        }
    }

    /// A caller elsewhere is read, and one that cannot be is a fault.
    #[test]
    fn a_caller_elsewhere_is_read_by_itself() {
        let (walk, call) = layouts();
        let layouts = Layouts { walk: &walk, call: &call };
        let memory = Stretch { first: 0x8000, bytes: 0x2_0000 };
        let mut frames = Frames::default();
        frames.read(&memory, &walk, 0x1_0000).unwrap();
        assert!(frames.has_slots());
        assert_eq!(frames.caller(&memory, layouts, 0x1_0000, 0x2_0000), Ok(0));
        assert_eq!(frames.block.u64(8), 0x2_0008);
        assert_eq!(frames.caller(&memory, layouts, 0x1_0000, 0x9000), Ok(0));
        assert_eq!(frames.block.u64(8), 0x9008);
        assert!(frames.caller(&memory, layouts, 0x1_0000, 0x9_0000).is_err());
    }
}
