//! A moment in a window at which the program itself ran, not a probe.

use super::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Nanoseconds from one tick of a processor to the next. A tick keeps a program on a virtual machine from its work for
/// some 15 µs (Linux 6.18, AMD EPYC).
pub const TICK_NS: u64 = 150_000;
/// The same while allocations are counted, whose hits leave the program more of its time than those of calls.
pub const ALLOCATION_TICK_NS: u64 = 200_000;

/// Set in the flags of a [`Tick`]'s header when it is one for allocations, not for calls.
pub const AMONG_ALLOCATIONS: u16 = 1;

/// A tick of a processor's clock that has met a traced process in user mode while hits were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tick {
    /// Kind [`super::KIND_TICK`].
    pub header: Header,
    /// Address of the instruction that was to be executed next.
    pub instruction: u64,
}

const _: () = assert!(size_of::<Tick>() == 32);
