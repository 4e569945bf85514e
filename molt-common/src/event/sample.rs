//! A sampled stack of Python frames.

use super::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// In `Header::flags`: the stack was deeper than [`crate::limits::MAX_FRAMES`].
pub const STACK_CUT: u16 = 1;
/// In `Header::flags`: a read failed on the way out; the frames up to there are kept.
pub const STACK_TORN: u16 = 2;
/// In `Header::flags`: the process's interpreter was not known yet; there are no frames.
pub const NOT_READY: u16 = 4;
/// In `Header::flags`: the thread has no thread state or no frame: it was not running Python.
pub const NO_PYTHON: u16 = 8;
/// In `Header::flags`: copies of new code in the stack came before, as pieces.
pub const COPIED: u16 = 16;
/// In `Header::flags`: code in the stack may be new. What has been met before is remembered for a while.
pub const FRESH: u16 = 32;

/// The fixed part of a sample; `frames` [`Frame`]s follow it, innermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sample {
    /// Kind [`super::KIND_SAMPLE`].
    pub header: Header,
    /// How many frames follow.
    pub frames: u32,
    /// [`crate::fault::Fault`] number of the read that ended the walk, when [`STACK_TORN`] is set.
    pub fault: u32,
    /// The lowest values on the innermost frame's own stack, from 3.11 on: where a call is under way, among them is the
    /// callable. All 0 where they could not be read.
    pub values: [u64; STACK_VALUES],
}

const _: () = assert!(size_of::<Sample>() == 160);

/// Values of a frame's stack in a [`Sample`]: few calls have more before their callable.
pub const STACK_VALUES: usize = 16;

/// One Python frame as the kernel saw it. Names come later, from the addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Frame {
    /// Address of the code object.
    pub code: u64,
    /// [`crate::walk::code::identity`] of it at that moment; 0 when it could not be read.
    pub identity: u64,
    /// Address of the frame's globals, a dict.
    pub globals: u64,
    /// Offset in bytes of the current instruction from the first one; negative before the start.
    pub lasti: i32,
    /// `_PyInterpreterFrame.owner`; 0 up to 3.10.
    pub owner: u32,
}

const _: () = assert!(size_of::<Frame>() == 32);
