//! Uprobes: many with one link (`BPF_TRACE_UPROBE_MULTI`, Linux 6.6), or each with a perf event of its own before that.
//!
//! A link to many is worth calls of bpf(2) that aya 0.14 does not make: it is taken away in one wait, where each perf
//! uprobe waits some 100 ms by itself. Either can be for one process, so that others that run the same file are not
//! slowed.

mod prepared;
mod program;
mod syscall;

pub(super) use prepared::Prepared;
pub(super) use program::UprobeProgram;
pub use program::are_placed_one_by_one;

use nix::errno::Errno;

/// A place for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture::ebpf) struct Place {
    /// Where in the file.
    pub(in crate::capture::ebpf) offset: u64,
    /// What the program is told there.
    pub(in crate::capture::ebpf) cookie: u64,
}

/// Which hits of a link the program sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture::ebpf) struct Scope {
    /// The process; every one that runs the file if `None`.
    pub(in crate::capture::ebpf) pid: Option<u32>,
    /// Returns of the functions at the places, instead of the places themselves.
    pub(in crate::capture::ebpf) returns: bool,
}

/// Why a program could not be loaded for uprobes, or not be linked to places.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UprobeError {
    /// The object cannot be prepared a second time.
    #[error("failed to prepare the embedded eBPF object: {0}")]
    Object(String),
    /// The kernel refused a program. The verifier's log goes to molt's own log.
    #[error("failed to load eBPF program {name} for uprobes: {reason}")]
    Program {
        /// The program's name.
        name: &'static str,
        /// The line of the log that says why; empty if there is none.
        reason: String,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
    /// The kernel refused a link to many.
    #[error("failed to make a link to many uprobes")]
    Many(#[source] Errno),
    /// The kernel refused a probe by itself.
    #[error("failed to place a uprobe")]
    One(#[source] Errno),
}
