//! The types of a call's parameters, as they are bound when its function starts.

use super::types::slot_type;
use super::{Frames, Layouts};
use crate::call::{CallKey, CallLayout, GENERATOR, KEYWORDS, MAX_SLOTS, REST, Seen};
use crate::layout::ABSENT;
use crate::walk::{Block, Memory, Turns, checked};
use zerocopy::IntoBytes;

/// `CO_VARARGS` (`Include/cpython/code.h`), like those below.
const CO_VARARGS: u32 = 4;
const CO_VARKEYWORDS: u32 = 8;
/// `CO_GENERATOR`, `CO_COROUTINE` and `CO_ASYNC_GENERATOR`.
const CO_GENERATORS: u32 = 0x20 | 0x80 | 0x200;

/// Turns the values in the callee's slots into their types. `block` holds the callee, and `frames` its frame, with its
/// slots if it is whole.
#[inline(always)]
pub(super) fn read<M: Memory + Copy>(
    memory: &M,
    layouts: Layouts<'_>,
    frame: u64,
    frames: &Frames,
    block: &Block<32>,
    seen: &mut Seen,
) {
    let Layouts { walk, call } = layouts;
    let key = &mut seen.key;
    let flags = block.u32(walk.code_flags);
    let mut count = block.u32(walk.code_argcount) + block.u32(walk.code_kwonlyargcount);
    key.flags = 0;
    if flags & CO_VARARGS != 0 {
        count += 1;
        key.flags |= REST;
    }
    if flags & CO_VARKEYWORDS != 0 {
        count += 1;
        key.flags |= KEYWORDS;
    }
    if flags & CO_GENERATORS != 0 {
        key.flags |= GENERATOR;
    }
    key.parameters = count.min(u32::from(u8::MAX)) as u8;
    count = count.min(MAX_SLOTS as u32);
    key.slots = count as u8;
    key.locals = block.u32(call.code_slots);
    if count == 0 {
        return;
    }
    seen.slots = frame + u64::from(call.frame_slots);
    if frames.has_slots() {
        frames.slots(call, count, &mut key.args);
    } else if let Some(values) = key.args.as_mut_bytes().get_mut(..8 * count as usize) {
        // What cannot be read stays 0, which is no object.
        let _ = memory.read(seen.slots, values);
    }
    if call.code_cell2arg != ABSENT {
        captured(memory, call, frame, block, key);
    }
    memory.repeat(count, &mut Types { memory: *memory, call, args: &mut key.args });
}

/// The values of parameters on their way to being types.
struct Types<'a, M> {
    memory: M,
    call: &'a CallLayout,
    args: &'a mut [u64; MAX_SLOTS],
}

impl<M: Memory> Turns for Types<'_, M> {
    #[inline(always)]
    fn turn(&mut self, index: u32) -> bool {
        if let Some(slot) = self.args.get_mut(index as usize) {
            *slot = slot_type(&self.memory, self.call, *slot);
        }
        true
    }
}

/// Up to 3.10: fetches the parameters that inner functions capture from their cells, which stand behind the
/// other locals; their own slots are null (`_PyEval_EvalCode`, `Python/ceval.c`).
#[inline(always)]
fn captured<M: Memory + Copy>(
    memory: &M,
    call: &CallLayout,
    frame: u64,
    block: &Block<32>,
    key: &mut CallKey,
) {
    let table = block.u64(call.code_cell2arg);
    let Ok(names) = checked(block.u64(call.code_cellvars)) else { return };
    if checked(table).is_err() {
        return;
    }
    let cells = memory.read_u64(names + u64::from(call.var_size)).unwrap_or(0);
    let first = frame + u64::from(call.frame_slots) + 8 * u64::from(key.locals);
    let cells = cells.min(MAX_SLOTS as u64) as u32;
    memory.repeat(cells, &mut Cells { memory: *memory, table, first, args: &mut key.args });
}

/// The cells of captured parameters.
struct Cells<'a, M> {
    memory: M,
    /// Which parameter each is of.
    table: u64,
    /// Where the first one stands.
    first: u64,
    args: &'a mut [u64; MAX_SLOTS],
}

impl<M: Memory> Turns for Cells<'_, M> {
    #[inline(always)]
    fn turn(&mut self, index: u32) -> bool {
        let at = 8 * u64::from(index);
        let argument = self.memory.read_u64(self.table + at).unwrap_or(u64::MAX);
        if argument < MAX_SLOTS as u64
            && let Some(slot) = self.args.get_mut(argument as usize)
        {
            *slot = self.memory.read_u64(self.first + at).unwrap_or(0);
        }
        true
    }
}
