//! Which code user space was told of, as far as a table remembers. New code may be gone in a millisecond, so user
//! space is woken for it; samples of code that it has read can wait until it looks.

use crate::maps::MET;
use molt_common::event::sample::Frame;
use molt_common::fault::Fault;

/// Sets of the table, two pieces of code each: a large program has some 50,000.
pub const SETS: usize = 1 << SET_BITS;
const SET_BITS: u32 = 15;

/// The table: in each word the piece of code that was met last in its low half, and the one before in the other.
/// All CPUs share it. What one of them loses to another is met once more.
pub struct Met(*mut [u64; SETS]);

impl Met {
    #[inline(always)]
    pub fn get() -> Result<Self, Fault> {
        MET.get_ptr_mut(0).map(Self).ok_or(Fault::MapMissing)
    }

    /// Notes the code of a frame of process `pid`. Whether it is new, or was forgotten.
    #[inline(always)]
    pub fn note(&self, pid: u32, frame: &Frame) -> bool {
        let code = frame.code.wrapping_add(frame.globals.rotate_left(16)).wrapping_add(u64::from(pid) << 48);
        let hash = (frame.identity ^ code).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (at, tag) = ((hash >> (64 - SET_BITS)) as usize, hash as u32);
        // SAFETY: the entry exists for the whole life of the map, and the bits that are kept are an index in it.
        let set = unsafe { &raw mut (*self.0)[at] };
        // SAFETY: as above; other CPUs read and write whole words.
        let word = unsafe { set.read_volatile() };
        if word as u32 == tag || (word >> 32) as u32 == tag {
            return false;
        }
        // SAFETY: as above.
        unsafe { set.write_volatile(word << 32 | u64::from(tag)) };
        true
    }
}
