//! How a call ends.

use super::Layouts;
use super::types::{object_type, packed_type, value_type};
use crate::call::{CallKey, CallLayout, UNREAD, address, outcome};
use crate::fault::Fault;
use crate::layout::ABSENT;
use crate::walk::{Memory, checked};

/// How a frame that is being cleared ends (from 3.11): sets outcome and result, and gives what is returned, 0 when an
/// exception leaves the frame. `tstate` is the thread's state,
/// asked for only when an exception is on its way.
#[inline(always)]
pub fn leave<M: Memory>(
    memory: &M,
    layouts: Layouts<'_>,
    frame: u64,
    tstate: impl FnOnce() -> Result<u64, Fault>,
    key: &mut CallKey,
) -> Result<u64, Fault> {
    let Layouts { walk, call } = layouts;
    let instr = checked(memory.read_u64(frame + u64::from(walk.frame_instr))?)?;
    // The unit before it as well: it may extend the argument.
    let [before, extension, opcode, argument] = memory.read_u32(instr - 2)?.to_le_bytes();
    key.outcome = outcome::RETURNED;
    if opcode == call.return_value[0] || opcode == call.return_value[1] {
        let slot = frame + u64::from(call.frame_slots) + 8 * u64::from(key.locals);
        let value = memory.read_u64(slot)?;
        key.result = value_type(memory, call, value & call.slot_mask);
        return Ok(value);
    }
    if opcode != 0 && (opcode == call.return_const[0] || opcode == call.return_const[1]) {
        let high = if before == call.extended_arg { u64::from(extension) << 8 } else { 0 };
        let code = address(key.callee);
        let constants = checked(memory.read_u64(code + u64::from(call.code_consts))?)?;
        let item = constants + u64::from(call.tuple_items) + 8 * (high | u64::from(argument));
        let value = memory.read_u64(item)?;
        key.result = value_type(memory, call, value & call.slot_mask);
        return Ok(value);
    }
    key.outcome = outcome::RAISED;
    key.result = exception(memory, call, tstate()?).unwrap_or(UNREAD);
    Ok(0)
}

/// Whether a generator's frame that has just returned is over (up to 3.10).
#[inline(always)]
pub fn ends<M: Memory>(memory: &M, call: &CallLayout, frame: u64) -> Result<bool, Fault> {
    if call.frame_state == ABSENT {
        return Ok(memory.read_u64(frame + u64::from(call.frame_stacktop))? == 0);
    }
    let [state, _] = memory.read_u16(frame + u64::from(call.frame_state))?.to_le_bytes();
    Ok(state as i8 > 0)
}

/// The type of the exception that is on its way in the thread, packed.
#[inline(always)]
pub fn exception<M: Memory>(memory: &M, call: &CallLayout, tstate: u64) -> Result<u64, Fault> {
    let tstate = checked(tstate)?;
    if call.tstate_exception == ABSENT {
        let found = checked(memory.read_u64(tstate + u64::from(call.tstate_exception_type))?)?;
        return Ok(packed_type(memory, call, found));
    }
    let raised = memory.read_u64(tstate + u64::from(call.tstate_exception))?;
    Ok(packed_type(memory, call, object_type(memory, call, raised)?))
}
