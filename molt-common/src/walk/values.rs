//! The values on a frame's own stack.

use super::{Memory, checked};
use crate::call::CallLayout;
use crate::event::sample::STACK_VALUES;
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use zerocopy::IntoBytes;

/// Most local variables of code whose stack is read.
const MAX_LOCALS: u32 = 1 << 12;

/// Reads the lowest values on the stack of the frame at `frame`, which runs the code at `code`; none up to 3.10. What lies
/// above the stack's top is read as well: where that is the frame does not tell while it runs.
#[inline(always)]
pub fn stack_values<M: Memory>(
    memory: &M,
    walk: &WalkLayout,
    call: &CallLayout,
    frame: u64,
    code: u64,
    values: &mut [u64; STACK_VALUES],
) -> Result<(), Fault> {
    if walk.code_adaptive == ABSENT {
        return Ok(());
    }
    let locals = memory.read_u32(checked(code)? + u64::from(walk.code_head) + u64::from(call.code_slots))?;
    if locals > MAX_LOCALS {
        return Err(Fault::BadPointer);
    }
    let first = frame.wrapping_add(u64::from(call.frame_slots) + 8 * u64::from(locals));
    memory.read(checked(first)?, values.as_mut_bytes())
}
