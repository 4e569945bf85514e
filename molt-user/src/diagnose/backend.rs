//! What a run on this machine would read the target with.

use super::fact::Fact;
use super::machine;
use super::trial::Trial;
use crate::discover::privileges::{Capability, Privileges};
use crate::symbolize::memory::ProcessMemory;
use molt_common::walk::Memory;

/// The backend of a run that does not ask for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// Programs in the kernel.
    Ebpf,
    /// Reads of the target's memory; why not the better one.
    Procmem(&'static str),
    /// There is none, and why.
    None(&'static str),
}

/// Which one it is.
pub(super) fn chosen(trial: &Trial, privileges: &Privileges) -> Chosen {
    match (machine::obstacle(trial, privileges), unreadable(privileges)) {
        (None, _) => Chosen::Ebpf,
        (Some(why), None) => Chosen::Procmem(why),
        (Some(_), Some(why)) => Chosen::None(why),
    }
}

impl Chosen {
    /// As a line of the report. What is lacking for the better one is said where it was tried.
    pub(super) fn fact(self) -> Fact {
        match self {
            Self::Ebpf => Fact::good("chosen", "ebpf"),
            Self::Procmem(why) => Fact::lacking(
                "chosen",
                "procmem",
                format!("{why}; processes that molt may read are sampled from outside"),
            ),
            Self::None(why) => Fact::lacking("chosen", "none", why),
        }
    }
}

/// Why molt cannot read the memory of a process that it starts, if so (`man 2 ptrace`, `ptrace_scope`).
fn unreadable(privileges: &Privileges) -> Option<&'static str> {
    let word = 0_u64;
    let own = ProcessMemory::new(std::process::id().cast_signed());
    match privileges.ptrace_scope {
        Some(3) => Some("kernel.yama.ptrace_scope is 3: no process may be read"),
        Some(2) if !privileges.has(Capability::SysPtrace) => {
            Some("kernel.yama.ptrace_scope is 2: no process may be read without CAP_SYS_PTRACE")
        }
        _ if own.read_u64(std::ptr::from_ref(&word).addr() as u64).is_err() => Some(
            "memory is read neither by process_vm_readv nor from /proc/PID/mem, as under a seccomp filter",
        ),
        _ => None,
    }
}
