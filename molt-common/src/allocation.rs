//! Allocations, as the kernel side counts them.

use crate::event::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Most pieces of code that allocate, each in one of two ways.
pub const MAX_ALLOCATIONS: u32 = 1 << 14;

/// Larger requests are not made: a size that was read wrong.
pub const MAX_SIZE: u64 = 1 << 46;

/// Stands for no register in a [`Site`].
pub const NO_REGISTER: u8 = 0xff;

/// How a request of memory is read where a probe is: the product of a number and up to two registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Some of [`Site::COMPARED`] and [`Site::RESIZES`].
    pub flags: u8,
    /// Registers, or [`NO_REGISTER`].
    pub registers: [u8; 2],
    /// 8-byte words between the stack pointer and the address to return to.
    pub depth: u8,
    /// The number.
    pub factor: u32,
}

impl Site {
    /// The pointer to the allocator has been compared: it is called from here, by whatever code is behind the
    /// comparison, where it was the one expected.
    pub const COMPARED: u8 = 1;
    /// A block is made larger or smaller, for which the allocator may ask itself for another one.
    pub const RESIZES: u8 = 2;

    /// As a probe's cookie.
    #[must_use]
    pub const fn cookie(self) -> u64 {
        let Self { flags, registers: [first, second], depth, factor } = self;
        let low = u32::from_le_bytes([flags, first, second, depth]);
        low as u64 | (factor as u64) << 32
    }

    /// From a probe's cookie.
    #[must_use]
    #[inline(always)]
    pub const fn of(cookie: u64) -> Self {
        let [flags, first, second, depth] = (cookie as u32).to_le_bytes();
        Self { flags, registers: [first, second], depth, factor: (cookie >> 32) as u32 }
    }
}

/// Which memory was asked for.
pub mod kind {
    /// A block, of the interpreter's allocator.
    pub const BLOCK: u32 = 0;
    /// Memory for blocks, of the kernel.
    pub const GROWTH: u32 = 1;
}

/// What is counted: requests of one piece of code. Key of the map `ALLOCATIONS`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct AllocationKey {
    /// [`crate::config::ProcessConfig::program`].
    pub program: u32,
    /// One of [`kind`].
    pub kind: u32,
    /// The code on top of the thread's stack, [`crate::call::packed`].
    pub code: u64,
}

const _: () = assert!(size_of::<AllocationKey>() == 16);

/// How much was asked for. Value of the map `ALLOCATIONS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Allocated {
    /// Requests.
    pub count: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

/// The last block that was resized on a processor. Value of the map `RESIZED`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Resized {
    /// The thread.
    pub tid: u64,
    /// Its stack pointer.
    pub stack: u64,
    /// The size that was asked for, in bytes.
    pub bytes: u64,
}

/// Code that was seen to allocate for the first time. Sent while it is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AllocationSeen {
    /// Kind [`crate::event::KIND_ALLOCATION`].
    pub header: Header,
    /// What was met.
    pub key: AllocationKey,
    /// [`crate::walk::code::identity`] of the code; 0 where it could not be read.
    pub identity: u64,
    /// Address of the globals that it runs in.
    pub globals: u64,
}

const _: () = assert!(size_of::<AllocationSeen>() == 40 + size_of::<AllocationKey>());

#[cfg(test)]
mod tests {
    use super::*;

    /// A cookie tells all of its site.
    #[test]
    fn cookies_hold_sites() {
        let site = Site { flags: Site::COMPARED, registers: [15, NO_REGISTER], depth: 3, factor: u32::MAX };
        assert_eq!(Site::of(site.cookie()), site);
        let site = Site { flags: Site::RESIZES, registers: [6, 2], depth: 0, factor: 1 };
        assert_eq!(Site::of(site.cookie()), site);
    }
}
