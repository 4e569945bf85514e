//! Threads and processes that come into being. Their ends and `exec` need no more than a header.

use super::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A thread or process was made. The header names the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Birth {
    /// Kind [`super::KIND_BIRTH`]; process and thread of the parent.
    pub header: Header,
    /// Process id of the child; the parent's own for a thread.
    pub child_pid: u32,
    /// Thread id of the child.
    pub child_tid: u32,
}

const _: () = assert!(size_of::<Birth>() == 32);
