//! At the entry of the interpreter's finalization: the last moment at which its objects are whole.

use crate::maps::{gate, process, shut_gate};
use crate::repeat::{Turn, repeat};
use crate::{emit, fault, task};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use molt_common::config::{GATE_SHUT, PROCESS_HOLD, ProcessConfig};
use molt_common::event::KIND_FINALIZE;
use molt_common::fault::Fault;
use molt_common::limits::{HOLD_NS, HOLD_TURNS};

/// On `Py_FinalizeEx` and `Py_Exit`.
#[uprobe]
pub fn finalize(_ctx: ProbeContext) -> u32 {
    let pid = task::current_pid();
    let Some(config) = process(pid) else { return 0 };
    if gate(pid).is_some() {
        return 0;
    }
    if let Err(lost) = try_finalize(pid, config) {
        fault::count(lost);
    }
    0
}

#[inline(always)]
fn try_finalize(pid: u32, config: &ProcessConfig) -> Result<(), Fault> {
    let held = config.flags & PROCESS_HOLD != 0;
    if held {
        shut_gate(pid)?;
    }
    // Without the record nobody would open the gate.
    emit::record(&task::header(KIND_FINALIZE))?;
    if held {
        hold(pid);
    }
    Ok(())
}

/// What the waiting loop needs to know.
struct Hold {
    deadline_ns: u64,
    pid: u32,
}

/// Waits until user space has had its last look, at most [`HOLD_NS`]. The wait is in this program and ends
/// with it: nothing is left behind if the tracer dies.
#[inline(always)]
fn hold(pid: u32) {
    let mut hold = Hold { deadline_ns: task::now_ns() + HOLD_NS, pid };
    repeat(HOLD_TURNS, wait, &mut hold);
}

/// One turn of the wait: [`Turn::Stop`] when the gate is open or the time is up.
extern "C" fn wait(_index: u32, hold: &mut Hold) -> Turn {
    if gate(hold.pid) != Some(GATE_SHUT) || task::now_ns() > hold.deadline_ns { Turn::Stop } else { Turn::Go }
}
