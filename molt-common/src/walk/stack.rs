//! The walk over a thread's frames, from the innermost outwards, one step at a time.

use super::{Buffers, Memory, frame};
use crate::event::sample::Frame;
use crate::fault::Fault;
use crate::layout::WalkLayout;
use crate::limits::{MAX_FRAMES, MAX_SHIMS};

/// How far a walk has come.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cursor {
    /// Address of the frame to read next; 0 when the outermost one has been read.
    pub next: u64,
    /// Frames written so far.
    pub count: u32,
    shims: u32,
    /// The code of the last one was met in its globals before, as far as memory remembers.
    pub is_known: bool,
}

impl Cursor {
    /// Begins at the frame at `innermost`; 0 is a thread without Python frames.
    #[inline(always)]
    pub fn new(innermost: u64) -> Self {
        Self { next: innermost, count: 0, shims: 0, is_known: false }
    }

    /// Reads one frame into its place in `frames`. Whether there is more to read.
    #[inline(always)]
    pub fn advance<M: Memory>(
        &mut self,
        memory: &M,
        layout: &WalkLayout,
        buffers: &mut Buffers,
        frames: &mut [Frame; MAX_FRAMES],
    ) -> Result<bool, Fault> {
        if self.next == 0 {
            return Ok(false);
        }
        let step = frame::step(memory, layout, self.next, buffers)?;
        match step.frame {
            Some(found) => {
                let Some(slot) = frames.get_mut(self.count as usize) else { return Ok(false) };
                *slot = found;
                self.count += 1;
                self.shims = 0;
                self.is_known = step.is_known;
            }
            None if self.shims == MAX_SHIMS as u32 => return Err(Fault::ShimChain),
            None => self.shims += 1,
        }
        self.next = step.previous;
        Ok(true)
    }
}

/// Most steps of a walk: each frame may have a shim before it, and the last step finds the end.
pub const MAX_STEPS: u32 = 2 * MAX_FRAMES as u32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::ABSENT;

    /// Every read gives the same 8 bytes again and again.
    struct Constant(u64);

    impl Memory for Constant {
        fn read(&self, _addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            for (at, byte) in into.iter_mut().enumerate() {
                *byte = self.0.to_le_bytes()[at % 8];
            }
            Ok(())
        }
    }

    fn layout(shim: u32) -> WalkLayout {
        let mut layout = <WalkLayout as zerocopy::FromZeros>::new_zeroed();
        layout.code_mask = u64::MAX;
        layout.frame_bytes = 88;
        layout.code_bytes = 96;
        layout.frame_owner = if shim == 255 { ABSENT } else { 70 };
        layout.frame_owner_shim = shim;
        layout.code_adaptive = ABSENT;
        layout.lasti_unit = 1;
        layout
    }

    fn walk(memory: &Constant, layout: &WalkLayout) -> (u32, u64, Result<bool, Fault>) {
        let mut frames = [Frame::default(); MAX_FRAMES];
        let mut cursor = Cursor::new(0x5000);
        let mut last = Ok(true);
        for _ in 0..MAX_STEPS {
            last = cursor.advance(memory, layout, &mut Buffers::default(), &mut frames);
            if last != Ok(true) {
                break;
            }
        }
        (cursor.count, cursor.next, last)
    }

    /// A chain of frames that loops must end at the bound, with more left to read: a cut stack.
    #[test]
    fn a_loop_of_frames_is_cut_at_the_bound() {
        let (count, next, last) = walk(&Constant(0x5000), &layout(255));
        assert_eq!((count, next, last), (MAX_FRAMES as u32, 0x5000, Ok(false)));
    }

    /// A chain of shims has no frame to write, so only its own bound can end it.
    #[test]
    fn a_loop_of_shims_is_a_fault() {
        let (count, _, last) = walk(&Constant(0x5000), &layout(0));
        assert_eq!((count, last), (0, Err(Fault::ShimChain)));
    }

    /// A pointer outside user space is never followed.
    #[test]
    fn a_kernel_address_is_a_fault() {
        let (count, _, last) = walk(&Constant(0xffff_8000_0000_0000), &layout(255));
        assert_eq!((count, last), (0, Err(Fault::BadPointer)));
    }
}
