//! How a call ends.

use super::types::{object_type, packed_type, value_type};
use super::{CallBlock, Layouts};
use crate::call::{CallLayout, OpenCall, UNREAD, address, outcome};
use crate::fault::Fault;
use crate::layout::ABSENT;
use crate::walk::{Memory, checked};

/// How a frame that is being cleared ends (from 3.11): sets outcome and result, and gives what is returned, 0 when an
/// exception leaves the frame. `tstate` is the thread's state, asked for only when an exception is on its way.
#[inline(always)]
pub fn leave<M: Memory>(
    memory: &M,
    layouts: Layouts<'_>,
    frame: u64,
    tstate: impl FnOnce() -> Result<u64, Fault>,
    block: &mut CallBlock,
    open: &mut OpenCall,
) -> Result<u64, Fault> {
    let Layouts { walk, call } = layouts;
    let key = &mut open.key;
    // The value that is returned lies behind the instruction pointer, and mostly not far from it.
    let instr_at = u64::from(walk.frame_instr);
    let slot = u64::from(call.frame_slots) + 8 * u64::from(key.locals);
    let ahead = slot.wrapping_sub(instr_at);
    let is_near = ahead < size_of::<CallBlock>() as u64;
    block.fill(memory, frame + instr_at, if is_near { ahead as u32 + 8 } else { 8 })?;
    let instr = checked(block.u64(0))?;
    // The unit before it as well: it may extend the argument.
    let [before, extension, opcode, argument] = if instr == open.returns_at {
        [0, 0, call.return_value[0], 0]
    } else {
        memory.read_u32(instr - 2)?.to_le_bytes()
    };
    key.outcome = outcome::RETURNED;
    if opcode == call.return_value[0] || opcode == call.return_value[1] {
        let value = if is_near { block.u64(ahead as u32) } else { memory.read_u64(frame + slot)? };
        open.returns_at = instr;
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
    // Instrumentation of lines hides the opcode: then only the thread's state tells a return, and nothing its result.
    (key.outcome, key.result) = match exception(memory, call, tstate()?) {
        Ok(raised) => (outcome::RAISED, raised),
        Err(Fault::BadPointer) => (outcome::RETURNED, UNREAD),
        Err(_unreadable) => (outcome::RAISED, UNREAD),
    };
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
