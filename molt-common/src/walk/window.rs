//! Frames that lie beside each other, read at once: in the kernel a read is dear, whatever its length.

use super::{Block, Memory};
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use crate::limits::WINDOW_BYTES;
use crate::machine::PAGE_BYTES;

/// A stretch of the stack that frames lie on.
///
/// From 3.11 on a frame lies right above its caller's (`_PyThreadState_PushFrame`, `Python/pystate.c`), unless
/// a generator or the end of a chunk of that stack comes between.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Window {
    held: Block<{ WINDOW_BYTES / 8 }>,
    /// Address of the first byte held.
    base: u64,
    /// Bytes held.
    len: u64,
}

impl Window {
    /// Forgets what is held.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// A block that holds the frame at `addr`, and where in it: what is held, or what is read now.
    #[inline(always)]
    pub(super) fn cover<M: Memory>(
        &mut self,
        memory: &M,
        layout: &WalkLayout,
        addr: u64,
    ) -> Result<(&Block<{ WINDOW_BYTES / 8 }>, u32), Fault> {
        let at = addr.wrapping_sub(self.base);
        if at < self.len && at + u64::from(layout.frame_bytes) <= self.len {
            return Ok((&self.held, at as u32));
        }
        let callers = callers(layout, addr);
        // A recording of memory may hold less than whole pages.
        let callers = match self.read(memory, layout, addr, callers) {
            Ok(()) => callers,
            Err(_) if callers > 0 => self.read(memory, layout, addr, 0).map(|()| 0)?,
            Err(fault) => return Err(fault),
        };
        Ok((&self.held, callers))
    }

    /// Reads the frame at `addr` and `callers` bytes below it.
    #[inline(always)]
    fn read<M: Memory>(
        &mut self,
        memory: &M,
        layout: &WalkLayout,
        addr: u64,
        callers: u32,
    ) -> Result<(), Fault> {
        let (base, len) = (addr.wrapping_sub(u64::from(callers)), layout.frame_bytes.wrapping_add(callers));
        self.len = 0;
        self.held.fill(memory, base, len)?;
        (self.base, self.len) = (base, u64::from(len));
        Ok(())
    }
}

/// Bytes below the frame at `addr` that are worth reading with it: none where frames are objects of their own.
#[inline(always)]
fn callers(layout: &WalkLayout, addr: u64) -> u32 {
    if layout.code_adaptive == ABSENT {
        return 0;
    }
    let room = (WINDOW_BYTES as u32).saturating_sub(layout.frame_bytes);
    room.min((addr % PAGE_BYTES) as u32) & !7
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Memory from `first` on in which each word holds its own address, and the reads made of it.
    struct Addresses {
        first: u64,
        reads: RefCell<Vec<(u64, usize)>>,
    }

    impl Memory for Addresses {
        fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
            self.reads.borrow_mut().push((addr, into.len()));
            if addr < self.first {
                return Err(Fault::ReadFault);
            }
            for (word, at) in into.chunks_mut(8).zip((addr..).step_by(8)) {
                word.copy_from_slice(&at.to_le_bytes()[..word.len()]);
            }
            Ok(())
        }
    }

    fn covered(first: u64, adaptive: u32, frames: &[u64]) -> Vec<(u64, usize)> {
        let mut layout = <WalkLayout as zerocopy::FromZeros>::new_zeroed();
        (layout.frame_bytes, layout.code_adaptive) = (80, adaptive);
        let memory = Addresses { first, reads: RefCell::default() };
        let mut window = Window::default();
        for frame in frames {
            let (block, at) = window.cover(&memory, &layout, *frame).unwrap();
            assert_eq!(block.u64(at + 72), frame + 72, "the frame is where it is said to be");
        }
        memory.reads.into_inner()
    }

    /// Frames on one stack share a read, which does not leave the page of the frame that it is made for.
    #[test]
    fn one_read_covers_the_callers_on_a_page() {
        let stack = [0x7fc0, 0x7f00, 0x7c10, 0x7b00, 0x7010];
        let reads = [(0x7810, 0x800), (0x7000, 0x60)];
        assert_eq!(covered(0x1000, 200, &stack), reads);
    }

    /// A frame object has no neighbours.
    #[test]
    fn a_frame_object_is_read_alone() {
        assert_eq!(covered(0x1000, ABSENT, &[0x7fc0, 0x7f00]), [(0x7fc0, 80), (0x7f00, 80)]);
    }

    /// What lies below a frame need not be there.
    #[test]
    fn a_frame_without_neighbours_is_read_alone() {
        assert_eq!(covered(0x7800, 200, &[0x7900]), [(0x7150, 0x800), (0x7900, 80)]);
    }
}
