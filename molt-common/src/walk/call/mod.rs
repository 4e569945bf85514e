//! Reading a call at its start and at its end, and an exception on its way.

mod frames;
mod leave;
mod parameters;
mod raise;
mod types;

pub use leave::{ends, exception, leave};
pub use raise::raise;
pub use types::{packed_type, value_type};

use super::{Block, Memory, checked, code, frame};
use crate::call::{CallLayout, Seen, Site, address, outcome, packed};
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use crate::limits::MAX_SHIMS;
use frames::{Frames, HERE};

/// Heads of frames and code objects, which are shorter where calls are hooked: it must fit the kernel's stack
/// beside a [`Seen`].
pub type CallBlock = Block<16>;

/// What a start is read into: too large for the kernel's stack.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Start {
    /// The call.
    pub seen: Seen,
    frames: Frames,
    /// The head of the callee's code, up to its first instructions where it has those in itself.
    code: Block<32>,
}

/// Where a generator or coroutine goes on: after a yield, a `yield from` or an await (`RESUME_AFTER_AWAIT`,
/// `Include/internal/pycore_opcode_utils.h`). In 3.15 a generator expression passes a `RESUME` with 4 when it is made.
const LAST_RESUME: u8 = 3;

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

/// Reads the frame at `frame`, which stands at `site`, into `start`, with its caller if it begins. `known` gives the
/// packed code of the frame at an address, if its start was seen.
#[inline(always)]
pub fn enter<M: Memory + Copy>(
    memory: &M,
    layouts: Layouts<'_>,
    site: Site,
    frame: u64,
    known: impl FnOnce(u64) -> Option<u64>,
    start: &mut Start,
) -> Result<Entry, Fault> {
    let walk = layouts.walk;
    let Start { seen, frames, code: head } = start;
    *seen = Seen::zeroed();
    frames.read(memory, walk, frame)?;
    let at = HERE;
    let callee = checked(frames.block.u64(at + walk.frame_code) & walk.code_mask)?;
    seen.previous = frames.block.u64(at + walk.frame_previous);
    seen.callee_globals = frames.block.u64(at + walk.frame_globals);
    let instr = frames.block.u64(at + walk.frame_instr);
    let resumes = if walk.code_adaptive == ABSENT {
        code::read_head(memory, walk, callee, head)?;
        frames.block.u32(at + walk.frame_instr) as i32 != -1
    } else {
        let [opcode, argument] = unit(memory, walk, callee, checked(instr)?, head)?.to_le_bytes();
        if opcode != site.opcodes[0] && opcode != site.opcodes[1] {
            return Ok(Entry::Passing);
        }
        let location = argument & site.resume_mask;
        if location > LAST_RESUME {
            return Ok(Entry::Passing);
        }
        location != 0
    };
    if !resumes {
        parameters::read(memory, layouts, frame, frames, head, seen);
    }
    seen.callee_identity = code::identity(memory, walk, head).unwrap_or(0);
    seen.key.callee = packed(callee, code::in_globals(seen.callee_identity, seen.callee_globals));
    if resumes {
        seen.key.outcome = outcome::RESUMED;
        return Ok(Entry::Resume);
    }
    caller(memory, layouts, known, frame, start)?;
    Ok(Entry::Start)
}

/// Reads the head of the code object at `code` into `head`. The code unit at `instr`, which mostly is one of the first
/// and read with it.
#[inline(always)]
fn unit<M: Memory>(
    memory: &M,
    walk: &WalkLayout,
    code: u64,
    instr: u64,
    head: &mut Block<32>,
) -> Result<u16, Fault> {
    let from = code + u64::from(walk.code_head);
    let at = instr.wrapping_sub(from);
    if at >= size_of::<Block<32>>() as u64 - 2 {
        code::read_head(memory, walk, code, head)?;
        return memory.read_u16(instr);
    }
    let at = at as u32;
    head.fill(memory, from, (at + 2).max(walk.code_bytes))?;
    Ok(head.u16(at))
}

/// Reads the nearest Python frame from `seen.previous` outwards; there may be none.
#[inline(always)]
fn caller<M: Memory>(
    memory: &M,
    layouts: Layouts<'_>,
    known: impl FnOnce(u64) -> Option<u64>,
    callee: u64,
    start: &mut Start,
) -> Result<(), Fault> {
    let walk = layouts.walk;
    let Start { seen, frames, code: head } = start;
    let mut frame = seen.previous;
    if frame == 0 {
        return Ok(());
    }
    let mut at = frames.caller(memory, layouts, callee, frame)?;
    for _ in 0..MAX_SHIMS {
        if !is_hidden(memory, layouts, &frames.block, at) {
            break;
        }
        frame = frames.block.u64(at + walk.frame_previous);
        if frame == 0 {
            return Ok(());
        }
        frames.block.fill(memory, frame, walk.frame_bytes)?;
        at = 0;
    }
    let code = checked(frames.block.u64(at + walk.frame_code) & walk.code_mask)?;
    seen.caller_globals = frames.block.u64(at + walk.frame_globals);
    seen.key.offset = frame::lasti(walk, &frames.block, at, code);
    if let Some(caller) = known(frame)
        && address(caller) == code
    {
        seen.key.caller = caller;
        return Ok(());
    }
    seen.caller_identity = code::read_identity(memory, walk, code, head).unwrap_or(0);
    seen.key.caller = packed(code, code::in_globals(seen.caller_identity, seen.caller_globals));
    Ok(())
}

/// Whether the frame at `at` in `block` is one that the interpreter itself has put there: between C and Python, or
/// behind the `__init__` that it has called without leaving its loop (`_Py_InitCleanup`, `Python/specialize.c`, from
/// 3.12), whose code is part of its file and stands before its first traceable instruction.
#[inline(always)]
fn is_hidden<M: Memory>(memory: &M, layouts: Layouts<'_>, block: &Block<64>, at: u32) -> bool {
    let Layouts { walk, call } = layouts;
    if walk.frame_owner == ABSENT {
        return false;
    }
    if u32::from(block.u8(at + walk.frame_owner)) >= walk.frame_owner_shim {
        return true;
    }
    let code = block.u64(at + walk.frame_code) & walk.code_mask;
    if code.wrapping_sub(call.static_low) >= call.static_bytes {
        return false;
    }
    let units = memory.read_u32(code + u64::from(call.code_firsttraceable)).unwrap_or(0);
    i64::from(frame::lasti(walk, block, at, code)) < 2 * i64::from(units)
}
