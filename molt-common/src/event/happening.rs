//! Imports and collections of garbage, which begin and end.

use super::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of a module's name, its final NUL included; a longer one is cut.
pub const MODULE_BYTES: usize = 128;

/// The import of a module begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Import {
    /// Kind [`super::KIND_IMPORT_START`], [`super::KIND_IMPORT_DONE`] or [`super::KIND_IMPORT`].
    pub header: Header,
    /// At its end: not 0 if there is a module.
    pub found: u64,
    /// The module's name, filled up with NULs.
    pub name: [u8; MODULE_BYTES],
}

const _: () = assert!(size_of::<Import>() == 32 + MODULE_BYTES);

/// Most imports that a thread has under way; the ends of further ones are not seen.
pub const MAX_IMPORTING: u64 = 32;

/// The innermost imports of a thread have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Returned {
    /// Kind [`super::KIND_IMPORT_RETURN`].
    pub header: Header,
    /// How many of them: one, or more where the end of an inner one was missed.
    pub imports: u64,
    /// Not 0 if there is a module.
    pub found: u64,
}

const _: () = assert!(size_of::<Returned>() == 40);

/// A collection of garbage begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Collection {
    /// Kind [`super::KIND_GC_START`] or [`super::KIND_GC_DONE`].
    pub header: Header,
    /// The oldest generation collected, or the number of objects freed.
    pub number: i64,
}

const _: () = assert!(size_of::<Collection>() == 32);
