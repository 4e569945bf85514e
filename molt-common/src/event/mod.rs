//! Records that travel through the ring buffer, one file per kind.
//!
//! Every record begins with a [`Header`]. Integers only, in the machine's byte order: the kernel and the
//! reader are one machine.

pub mod happening;
pub mod process;
pub mod sample;
pub mod tick;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What every record begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// Which record follows: one of the `KIND_*` numbers.
    pub kind: u16,
    /// Bits that the kind defines.
    pub flags: u16,
    /// Process id (the kernel's `tgid`), in [`crate::config::KernelLayout::namespace`].
    pub pid: u32,
    /// Thread id (the kernel's `pid`), in the same.
    pub tid: u32,
    /// Zero.
    pub reserved: u32,
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub time_ns: u64,
}

const _: () = assert!(size_of::<Header>() == 24);

/// A [`sample::Sample`] with its frames.
pub const KIND_SAMPLE: u16 = 1;
/// A [`process::Birth`]: a thread or process was made.
pub const KIND_BIRTH: u16 = 2;
/// A [`Header`] alone: the process runs another program from here on.
pub const KIND_EXEC: u16 = 3;
/// A [`Header`] alone: the thread ended. When `pid == tid` its process ends.
pub const KIND_END: u16 = 4;
/// A [`Header`] alone: the thread is about to tear its interpreter down. With
/// [`crate::config::PROCESS_HOLD`], it stops for its tracer first.
pub const KIND_FINALIZE: u16 = 5;
/// A [`crate::call::Told`]: a tuple of a call was met for the first time.
pub const KIND_CALL: u16 = 6;
/// A [`Header`] alone: the hits that were granted are spent.
pub const KIND_SPENT: u16 = 7;
/// A [`Header`] alone: the interpreter is about to begin. With [`crate::config::PROCESS_HOLD_START`], the thread
/// stops for its tracer first.
pub const KIND_START: u16 = 8;
/// A [`crate::plan::Piece`] with its bytes: memory of an object that the thread's next
/// [`crate::call::Told`] names.
pub const KIND_PIECE: u16 = 9;
/// A [`crate::plan::Piece`] whose bytes are pairs of an address and the 8 bytes that were there.
pub const KIND_WORDS: u16 = 10;
/// A [`Header`] alone: a process that is not traced runs another program from here on.
pub const KIND_STRANGER: u16 = 20;
/// A [`tick::Tick`].
pub const KIND_TICK: u16 = 17;
/// A [`crate::allocation::AllocationSeen`]: code was met that allocates.
pub const KIND_ALLOCATION: u16 = 21;
/// A [`crate::effect::EffectSeen`]: an effect was met for the first time.
pub const KIND_EFFECT: u16 = 11;
/// A [`happening::Import`]: a module is looked for.
pub const KIND_IMPORT_START: u16 = 12;
/// A [`happening::Import`]: it was found or not, and its body has run.
pub const KIND_IMPORT_DONE: u16 = 13;
/// A [`happening::Import`]: a module is looked for, where nothing is told when its body has run.
pub const KIND_IMPORT: u16 = 16;
/// A [`happening::Returned`]: imports that were told of by [`KIND_IMPORT`] have ended.
pub const KIND_IMPORT_RETURN: u16 = 18;
/// A [`crate::mutation::MutationSeen`]: an attribute of a module is set or deleted, in a way that was not met before.
pub const KIND_MUTATION: u16 = 19;
/// A [`happening::Collection`]: garbage is about to be collected.
pub const KIND_GC_START: u16 = 14;
/// A [`happening::Collection`]: it has been collected.
pub const KIND_GC_DONE: u16 = 15;
