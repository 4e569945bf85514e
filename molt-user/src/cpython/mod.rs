//! All knowledge of CPython on the user side: versions, layouts, opcode and line tables, objects.
//!
//! Everything here takes a [`molt_common::walk::Memory`], or an interpreter's parsed file, and gives values or
//! the reason why there are none. It opens nothing and keeps nothing. The target's memory is never trusted:
//! each length has a maximum next to its use, each chain a bound.

pub mod allocator;
pub mod calls;
pub mod debug_offsets;
pub mod dict;
mod dispatch;
pub mod effect_sites;
mod handler;
pub mod jit;
pub mod layout;
pub mod linetable;
pub mod object;
pub mod opcode;
pub mod plans;
pub mod sites;
pub mod text;
pub mod thread_key;
pub mod version;

use molt_common::fault::Fault;

/// Why something in the target's memory is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Unknown {
    /// A read failed: the page is gone, or the pointer is stale.
    #[error("failed to read the target's memory")]
    Unreadable,
    /// A pointer is null or not in user space.
    #[error("pointer is null or not in user space")]
    BadPointer,
    /// The object is not of the type that CPython keeps in this place: it was freed and its memory reused.
    #[error("object is not of the type expected in its place")]
    WrongType,
    /// A length is negative or larger than molt reads.
    #[error("length is negative or too large")]
    TooLong,
    /// The bytes contradict each other: torn memory.
    #[error("contents contradict each other")]
    Malformed,
    /// Another object is at this address by now.
    #[error("another object is at this address by now")]
    Stale,
    /// The program changed it meanwhile.
    #[error("contents changed while they were read")]
    Torn,
    /// This version of CPython does not have it.
    #[error("this version of CPython does not have it")]
    NotInVersion,
    /// The program does not have it: a namespace without `__name__`, a module without `__file__`.
    #[error("the program does not have it")]
    Absent,
}

impl Unknown {
    /// The name under which the artifact's `collector.loss` counts it.
    pub const fn name(self) -> &'static str {
        match self {
            Unknown::Unreadable => "unreadable",
            Unknown::BadPointer => "bad_pointer",
            Unknown::WrongType => "wrong_type",
            Unknown::TooLong => "too_long",
            Unknown::Malformed => "malformed",
            Unknown::Stale => "stale",
            Unknown::Torn => "torn",
            Unknown::NotInVersion => "not_in_version",
            Unknown::Absent => "absent",
        }
    }
}

impl From<Fault> for Unknown {
    fn from(fault: Fault) -> Self {
        if fault == Fault::BadPointer { Unknown::BadPointer } else { Unknown::Unreadable }
    }
}

/// A value from the target, or why there is none.
pub type Known<T> = Result<T, Unknown>;
