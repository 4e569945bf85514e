//! Gives up the capabilities that a run has no use for once it is under way.
//!
//! From here on molt reads a program's memory and files, neither of which is trusted.

use crate::capture::ebpf::uprobes;
use crate::discover::privileges::Privileges;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// What a run still uses: reading memory and files of other users, probes for programs that are yet to come, windows,
/// and an output file in somebody's folder that is given to whoever called sudo.
const KEPT: CapabilitySet = CapabilitySet::SYS_PTRACE
    .union(CapabilitySet::BPF)
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::CHECKPOINT_RESTORE)
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::CHOWN);

/// Gives up all others, of this thread and of those that it will make. A thread that follows a launched program was
/// made before; it reads nothing, and those that load programs are soon at their end.
pub(super) fn give_up() {
    let needs_admin = Privileges::read().needs_admin() || uprobes::are_placed_one_by_one();
    let kept = if needs_admin { KEPT | CapabilitySet::SYS_ADMIN } else { KEPT };
    let given_up = capabilities(None).and_then(|held| {
        let left = CapabilitySets {
            effective: held.effective & kept,
            permitted: held.permitted & kept,
            inheritable: CapabilitySet::empty(),
        };
        set_capabilities(None, left)
    });
    if let Err(refused) = given_up {
        tracing::info!(%refused, "the capabilities stay as they are");
    }
}
