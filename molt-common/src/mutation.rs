//! Assignments to attributes of modules, as the kernel side counts them.

use crate::event::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Most different tuples of code, module, attribute and kind.
pub const MAX_MUTATIONS: u32 = 1 << 14;

/// Cookies of the probes that see assignments. One assignment may pass both, the first of them first.
pub mod setter {
    /// `PyObject_SetAttr`.
    pub const OUTER: u64 = 0;
    /// `_PyObject_GenericSetAttrWithDict`.
    pub const INNER: u64 = 1;
}

/// What is counted. Key of the map `MUTATIONS`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct MutationKey {
    /// [`crate::config::ProcessConfig::program`].
    pub program: u32,
    /// 1 if the attribute is deleted, 0 if it is set.
    pub deletes: u32,
    /// Address of the module object.
    pub module: u64,
    /// What tells the attribute's name from another one: its hash, or as much of its text as is folded.
    pub name: u64,
    /// The code on top of the thread's stack, [`crate::call::packed`]; 0 where no Python code runs.
    pub code: u64,
}

const _: () = assert!(size_of::<MutationKey>() == 32);

/// An assignment that was met for the first time. Sent before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MutationSeen {
    /// Kind [`crate::event::KIND_MUTATION`].
    pub header: Header,
    /// What was met.
    pub key: MutationKey,
    /// Address of the attribute's name, a str.
    pub name: u64,
    /// [`crate::walk::code::identity`] of the code; 0 where it could not be read.
    pub identity: u64,
    /// Address of the globals that it runs in.
    pub globals: u64,
}

const _: () = assert!(size_of::<MutationSeen>() == 80);

/// What a thread has begun to assign. Value of the map `ASSIGNING`, by thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Assigning {
    /// The module.
    pub module: u64,
    /// The value; 0 if the attribute is deleted.
    pub value: u64,
}
