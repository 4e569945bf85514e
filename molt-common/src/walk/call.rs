//! Reading a call at its start and at its end.

use super::{Block, Memory, Turns, checked, code};
use crate::call::{
    CallKey, CallLayout, GENERATOR, KEYWORDS, MAX_SLOTS, REST, SLOTS_CUT, Seen, Site, UNREAD, address,
    outcome, packed,
};
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use crate::limits::MAX_SHIMS;
use zerocopy::IntoBytes;

/// `CO_VARARGS` (`Include/cpython/code.h`), like those below.
const CO_VARARGS: u32 = 4;
const CO_VARKEYWORDS: u32 = 8;
/// `CO_GENERATOR`, `CO_COROUTINE` and `CO_ASYNC_GENERATOR`.
const CO_GENERATORS: u32 = 0x20 | 0x80 | 0x200;

/// Heads of frames and code objects, which are shorter where calls are hooked: it must fit the kernel's stack
/// beside a [`Seen`].
pub type CallBlock = Block<16>;

/// How one process's calls are read.
#[derive(Clone, Copy, Debug)]
pub struct Layouts<'a> {
    /// Frames and code.
    pub walk: &'a WalkLayout,
    /// What calls need beyond that.
    pub call: &'a CallLayout,
}

/// What a frame is about to do at an entry site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It passes by: the code unit is not the site's.
    Passing,
    /// It begins.
    Start,
    /// It goes on after a yield or an await.
    Resume,
}

/// Reads the frame at `frame`, which stands at `site`, into `seen`, with its caller if it begins. `known` gives the
/// packed code of the frame at an address, if its start was seen.
#[inline(always)]
pub fn enter<M: Memory>(
    memory: &M,
    layouts: Layouts<'_>,
    site: Site,
    frame: u64,
    known: impl FnOnce(u64) -> Option<u64>,
    block: &mut CallBlock,
    seen: &mut Seen,
) -> Result<Entry, Fault> {
    let Layouts { walk, call } = layouts;
    block.fill(memory, frame, walk.frame_bytes)?;
    let resumes = if walk.code_adaptive == ABSENT {
        block.u32(walk.frame_instr) as i32 != -1
    } else {
        let unit = memory.read_u16(checked(block.u64(walk.frame_instr))?)?;
        let [opcode, argument] = unit.to_le_bytes();
        if opcode != site.opcodes[0] && opcode != site.opcodes[1] {
            return Ok(Entry::Passing);
        }
        argument & site.resume_mask != 0
    };
    let callee = checked(block.u64(walk.frame_code) & walk.code_mask)?;
    seen.previous = block.u64(walk.frame_previous);
    seen.callee_globals = block.u64(walk.frame_globals);
    block.fill(memory, callee, call.code_bytes)?;
    seen.callee_identity = code::identity(&code::fields(block, walk));
    seen.key.callee = packed(callee, code::in_globals(seen.callee_identity, seen.callee_globals));
    if resumes {
        seen.key.outcome = outcome::RESUMED;
        return Ok(Entry::Resume);
    }
    parameters(memory, layouts, frame, block, seen);
    caller(memory, layouts, known, block, seen)?;
    Ok(Entry::Start)
}

/// Reads the first slots at `first`. A frame that is shorter than all of them may end where its page does.
#[inline(always)]
fn slots<M: Memory>(memory: &M, first: u64, into: &mut [u64; MAX_SLOTS]) {
    if memory.read(first, into.as_mut_bytes()).is_ok() {
        return;
    }
    memory.repeat(MAX_SLOTS as u32, &mut Values { memory, first, into });
}

/// The values of slots, one by one.
struct Values<'a, M> {
    memory: &'a M,
    first: u64,
    into: &'a mut [u64; MAX_SLOTS],
}

impl<M: Memory> Turns for Values<'_, M> {
    #[inline(always)]
    fn turn(&mut self, index: u32) -> bool {
        if let Some(slot) = self.into.get_mut(index as usize) {
            *slot = self.memory.read_u64(self.first + 8 * u64::from(index)).unwrap_or(0);
        }
        true
    }
}

/// Turns the values in the callee's slots into their types. `block` holds the callee.
#[inline(always)]
fn parameters<M: Memory>(memory: &M, layouts: Layouts<'_>, frame: u64, block: &CallBlock, seen: &mut Seen) {
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
    if count > MAX_SLOTS as u32 {
        count = MAX_SLOTS as u32;
        key.flags |= SLOTS_CUT;
    }
    key.slots = count as u8;
    key.locals = block.u32(call.code_slots);
    if count == 0 {
        return;
    }
    seen.slots = frame + u64::from(call.frame_slots);
    slots(memory, seen.slots, &mut key.args);
    if call.code_cell2arg != ABSENT {
        captured(memory, call, frame, block, key);
    }
    for (index, slot) in key.args.iter_mut().enumerate() {
        if index as u32 >= count {
            *slot = 0;
        }
    }
    memory.repeat(count, &mut Types { memory, call, args: &mut key.args });
}

/// The values of parameters on their way to being types.
struct Types<'a, M> {
    memory: &'a M,
    call: &'a CallLayout,
    args: &'a mut [u64; MAX_SLOTS],
}

impl<M: Memory> Turns for Types<'_, M> {
    #[inline(always)]
    fn turn(&mut self, index: u32) -> bool {
        if let Some(slot) = self.args.get_mut(index as usize) {
            *slot = slot_type(self.memory, self.call, *slot);
        }
        true
    }
}

/// Up to 3.10: fetches the parameters that inner functions capture from their cells, which stand behind the
/// other locals; their own slots are null (`_PyEval_EvalCode`, `Python/ceval.c`).
#[inline(always)]
fn captured<M: Memory>(memory: &M, call: &CallLayout, frame: u64, block: &CallBlock, key: &mut CallKey) {
    let table = block.u64(call.code_cell2arg);
    let Ok(names) = checked(block.u64(call.code_cellvars)) else { return };
    if checked(table).is_err() {
        return;
    }
    let cells = memory.read_u64(names + u64::from(call.var_size)).unwrap_or(0);
    let first = frame + u64::from(call.frame_slots) + 8 * u64::from(key.locals);
    let cells = cells.min(MAX_SLOTS as u64) as u32;
    memory.repeat(cells, &mut Cells { memory, table, first, args: &mut key.args });
}

/// The cells of captured parameters.
struct Cells<'a, M> {
    memory: &'a M,
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

/// The type of the value in a slot, packed; of what a cell holds, where the slot holds a cell.
#[inline(always)]
pub fn slot_type<M: Memory>(memory: &M, call: &CallLayout, slot: u64) -> u64 {
    let object = slot & call.slot_mask;
    match object_type(memory, call, object) {
        Ok(found) if found == call.cell_type => {
            let held = memory.read_u64(object + u64::from(call.cell_ref)).unwrap_or(0);
            object_type(memory, call, held).map_or(UNREAD, |found| packed_type(memory, call, found))
        }
        Ok(found) => packed_type(memory, call, found),
        Err(_unreadable) => UNREAD,
    }
}

/// Address of the type of the object at `object`.
#[inline(always)]
fn object_type<M: Memory>(memory: &M, call: &CallLayout, object: u64) -> Result<u64, Fault> {
    checked(memory.read_u64(checked(object)? + u64::from(call.object_type))?)
}

/// A type with what tells it from another one at its address. Only its name counts in what is made of it, so
/// that only its name is looked at: where that lies, and how it begins. Types that are never freed need nothing.
#[inline(always)]
pub fn packed_type<M: Memory>(memory: &M, call: &CallLayout, addr: u64) -> u64 {
    if addr.wrapping_sub(call.static_low) < call.static_bytes {
        return addr;
    }
    packed(addr, name_identity(memory, call, addr).unwrap_or(0))
}

#[inline(always)]
fn name_identity<M: Memory>(memory: &M, call: &CallLayout, addr: u64) -> Result<u64, Fault> {
    let name = checked(memory.read_u64(addr + u64::from(call.type_name))?)?;
    let first = before_nul(memory.read_u64(name)?);
    // What lies behind the name's end is not the name's.
    let second = if first >> 56 == 0 { 0 } else { before_nul(memory.read_u64(name + 8)?) };
    Ok(code::fold(code::fold(name, first), second) | 1)
}

/// The bytes of `word`, the lowest first, up to the first that is 0; the rest is zero.
#[inline(always)]
fn before_nul(word: u64) -> u64 {
    // The lowest bit set here is the top bit of the first byte that is 0; above it there may be false ones.
    let zeros = word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080;
    if zeros == 0 {
        return word;
    }
    let first = (zeros & zeros.wrapping_neg()) >> 7;
    word & first.wrapping_sub(1)
}

/// Reads the nearest Python frame from `seen.previous` outwards; there may be none.
#[inline(always)]
fn caller<M: Memory>(
    memory: &M,
    layouts: Layouts<'_>,
    known: impl FnOnce(u64) -> Option<u64>,
    block: &mut CallBlock,
    seen: &mut Seen,
) -> Result<(), Fault> {
    let walk = layouts.walk;
    let mut frame = seen.previous;
    if frame == 0 {
        return Ok(());
    }
    block.fill(memory, frame, walk.frame_bytes)?;
    for _ in 0..MAX_SHIMS {
        if walk.frame_owner == ABSENT || u32::from(block.u8(walk.frame_owner)) < walk.frame_owner_shim {
            break;
        }
        frame = block.u64(walk.frame_previous);
        if frame == 0 {
            return Ok(());
        }
        block.fill(memory, frame, walk.frame_bytes)?;
    }
    let code = checked(block.u64(walk.frame_code) & walk.code_mask)?;
    seen.caller_globals = block.u64(walk.frame_globals);
    seen.key.offset = super::frame::lasti(walk, block, 0, code);
    if let Some(caller) = known(frame)
        && address(caller) == code
    {
        seen.key.caller = caller;
        return Ok(());
    }
    seen.caller_identity = code::read_identity(memory, walk, code, block).unwrap_or(0);
    seen.key.caller = packed(code, code::in_globals(seen.caller_identity, seen.caller_globals));
    Ok(())
}

/// The type of an object that C code holds, packed.
#[inline(always)]
pub fn value_type<M: Memory>(memory: &M, call: &CallLayout, object: u64) -> u64 {
    object_type(memory, call, object).map_or(UNREAD, |found| packed_type(memory, call, found))
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
        key.result = slot_type(memory, call, value);
        return Ok(value);
    }
    if opcode != 0 && (opcode == call.return_const[0] || opcode == call.return_const[1]) {
        let high = if before == call.extended_arg { u64::from(extension) << 8 } else { 0 };
        let code = address(key.callee);
        let constants = checked(memory.read_u64(code + u64::from(call.code_consts))?)?;
        let item = constants + u64::from(call.tuple_items) + 8 * (high | u64::from(argument));
        let value = memory.read_u64(item)?;
        key.result = slot_type(memory, call, value);
        return Ok(value);
    }
    key.outcome = outcome::RAISED;
    key.result = exception(memory, call, tstate()?).unwrap_or(UNREAD);
    Ok(0)
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
    let frame = match call.frameobj_frame {
        ABSENT => frameobj,
        at => memory.read_u64(checked(frameobj)? + u64::from(at))?,
    };
    block.fill(memory, frame, walk.frame_bytes)?;
    let callee = checked(block.u64(walk.frame_code) & walk.code_mask)?;
    seen.callee_globals = block.u64(walk.frame_globals);
    let lasti = super::frame::lasti(walk, block, 0, callee);
    seen.callee_identity = code::read_identity(memory, walk, callee, block)?;
    seen.key.callee = packed(callee, code::in_globals(seen.callee_identity, seen.callee_globals));
    seen.key.result = exception(memory, call, tstate)?;
    let traceback = if call.tstate_exception == ABSENT {
        memory.read_u64(tstate + u64::from(call.tstate_traceback))?
    } else {
        let raised = checked(memory.read_u64(tstate + u64::from(call.tstate_exception))?)?;
        memory.read_u64(raised + u64::from(call.exception_traceback))?
    };
    let begins = traceback == 0 || at_raise(memory, layouts, callee, lasti, block)?;
    seen.key.outcome = if begins { outcome::RAISED_HERE } else { outcome::RAISED_THROUGH };
    Ok(())
}

/// Whether a frame stands at a `raise` statement: what is raised there may carry a traceback already.
#[inline(always)]
fn at_raise<M: Memory>(
    memory: &M,
    layouts: Layouts<'_>,
    code: u64,
    lasti: i32,
    block: &CallBlock,
) -> Result<bool, Fault> {
    let Layouts { walk, call } = layouts;
    let first = if walk.code_adaptive == ABSENT {
        // `co_code`, a bytes object, stands where later versions have the size.
        checked(block.u64(walk.code_size))? + u64::from(call.bytes_data)
    } else {
        code + u64::from(walk.code_adaptive)
    };
    let unit = memory.read_u16(first.wrapping_add(lasti as i64 as u64))?;
    Ok(unit.to_le_bytes()[0] == call.raise)
}
