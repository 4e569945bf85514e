//! What is copied of an object while it is certainly alive, as data: the kernel side follows pointers without
//! knowing what lies behind them.

use crate::container::ContainerLayout;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Most steps of one plan.
pub const MAX_STEPS: usize = 12;
/// Most bytes that one record carries.
pub const MAX_PIECE: usize = 8192;
/// Most bytes that one step copies: the code of a module with a table of a thousand lines.
pub const MAX_STRETCH: u32 = 1 << 17;

/// Ends a plan, in [`Step::from`].
pub const NO_STEP: u32 = u32::MAX;
/// The object that is copied, in [`Step::from`]; step `n` leads to place `n + 1`.
pub const ROOT: u32 = 0;

/// One stretch of memory: where it begins, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Step {
    /// The place to begin at: [`ROOT`], or that of an earlier step.
    pub from: u32,
    /// Offset there of the pointer to follow; [`crate::layout::ABSENT`] for the place itself.
    pub pointer: u32,
    /// Bytes that are always copied.
    pub bytes: u32,
    /// Offset of an 8-byte count of further items; [`crate::layout::ABSENT`] for none.
    pub count: u32,
    /// Bytes of each.
    pub item_bytes: u32,
    /// Bytes that are copied at most.
    pub most: u32,
}

const _: () = assert!(size_of::<Step>() == 24);

/// Steps in their order. What comes after [`NO_STEP`] does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Plan {
    /// See [`Step`].
    pub steps: [Step; MAX_STEPS],
}

/// The plans of one program. Value of the map `PLANS`, by [`crate::config::ProcessConfig::program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Plans {
    /// Of a code object.
    pub code: Plan,
    /// Of a type that may be freed.
    pub heap_type: Plan,
    /// Of a module with its namespace.
    pub module: Plan,
    /// Where containers keep what they hold.
    pub containers: ContainerLayout,
}

/// In `Header::flags` of a piece: it is for the sample that the thread sends next, and no other record.
pub const OF_SAMPLE: u16 = 1;

/// A stretch of the target's memory, which follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Piece {
    /// Kind [`crate::event::KIND_PIECE`].
    pub header: crate::event::Header,
    /// Where it lay.
    pub address: u64,
    /// How many bytes follow.
    pub bytes: u64,
}

const _: () = assert!(size_of::<Piece>() == 40);
