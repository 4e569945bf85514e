//! An exception enters a frame.

use super::{CallBlock, Layouts, exception};
use crate::call::{Seen, outcome, packed};
use crate::fault::Fault;
use crate::layout::ABSENT;
use crate::walk::{Memory, checked, code, frame};

/// Reads what `PyTraceBack_Here` is told about: an exception in the frame of `frameobj`.
#[inline(always)]
pub fn raise<M: Memory>(
    memory: &M,
    layouts: Layouts<'_>,
    frameobj: u64,
    tstate: u64,
    block: &mut CallBlock,
    seen: &mut Seen,
) -> Result<(), Fault> {
    let Layouts { walk, call } = layouts;
    let found = match call.frameobj_frame {
        ABSENT => frameobj,
        at => memory.read_u64(checked(frameobj)? + u64::from(at))?,
    };
    block.fill(memory, found, walk.frame_bytes)?;
    let callee = checked(block.u64(walk.frame_code) & walk.code_mask)?;
    seen.callee_globals = block.u64(walk.frame_globals);
    let lasti = frame::lasti(walk, block, 0, callee);
    seen.callee_identity = code::read_identity(memory, walk, callee, block)?;
    seen.key.callee = packed(callee, code::in_globals(seen.callee_identity, seen.callee_globals));
    seen.key.result = exception(memory, call, tstate)?;
    let traceback = if call.tstate_exception == ABSENT {
        memory.read_u64(tstate + u64::from(call.tstate_traceback))?
    } else {
        let raised = checked(memory.read_u64(tstate + u64::from(call.tstate_exception))?)?;
        memory.read_u64(raised + u64::from(call.exception_traceback))?
    };
    let begins = traceback == 0 || at_raise(memory, layouts, callee, lasti)?;
    seen.key.outcome = if begins { outcome::RAISED_HERE } else { outcome::RAISED_THROUGH };
    Ok(())
}

/// Whether a frame stands at a `raise` statement: what is raised there may carry a traceback already.
#[inline(always)]
fn at_raise<M: Memory>(memory: &M, layouts: Layouts<'_>, code: u64, lasti: i32) -> Result<bool, Fault> {
    let Layouts { walk, call } = layouts;
    let first = if walk.code_adaptive == ABSENT {
        // `co_code`, a bytes object, stands where later versions have the size.
        let at = walk.code_head.wrapping_add(walk.code_size);
        checked(memory.read_u64(code + u64::from(at))?)? + u64::from(call.bytes_data)
    } else {
        code + u64::from(walk.code_adaptive)
    };
    let unit = memory.read_u16(first.wrapping_add(i64::from(lasti).cast_unsigned()))?;
    Ok(unit.to_le_bytes()[0] == call.raise)
}
