//! Reading a call at its start and at its end, and an exception on its way.

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

/// Heads of frames and code objects, which are shorter where calls are hooked: it must fit the kernel's stack
/// beside a [`Seen`].
pub type CallBlock = Block<16>;

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

/// Reads the frame at `frame`, which stands at `site`, into `seen`, with its caller if it begins. `known` gives the
/// packed code of the frame at an address, if its start was seen.
#[inline(always)]
pub fn enter<M: Memory + Copy>(
    memory: &M,
    layouts: Layouts<'_>,
    site: Site,
    frame: u64,
    known: impl FnOnce(u64) -> Option<u64>,
    block: &mut CallBlock,
    seen: &mut Seen,
) -> Result<Entry, Fault> {
    let walk = layouts.walk;
    block.fill(memory, frame, walk.frame_bytes)?;
    let resumes = if walk.code_adaptive == ABSENT {
        block.u32(walk.frame_instr) as i32 != -1
    } else {
        let unit = memory.read_u16(checked(block.u64(walk.frame_instr))?)?;
        let [opcode, argument] = unit.to_le_bytes();
        if opcode != site.opcodes[0] && opcode != site.opcodes[1] {
            return Ok(Entry::Passing);
        }
        let location = argument & site.resume_mask;
        if location > LAST_RESUME {
            return Ok(Entry::Passing);
        }
        location != 0
    };
    let callee = checked(block.u64(walk.frame_code) & walk.code_mask)?;
    seen.previous = block.u64(walk.frame_previous);
    seen.callee_globals = block.u64(walk.frame_globals);
    code::read_head(memory, walk, callee, block)?;
    if !resumes {
        parameters::read(memory, layouts, frame, block, seen);
    }
    seen.callee_identity = code::identity(memory, walk, callee, block).unwrap_or(0);
    seen.key.callee = packed(callee, code::in_globals(seen.callee_identity, seen.callee_globals));
    if resumes {
        seen.key.outcome = outcome::RESUMED;
        return Ok(Entry::Resume);
    }
    caller(memory, layouts, known, block, seen)?;
    Ok(Entry::Start)
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
        if !is_hidden(memory, layouts, block) {
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
    seen.key.offset = frame::lasti(walk, block, 0, code);
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

/// Whether the frame in `block` is one that the interpreter itself has put there: between C and Python, or behind the
/// `__init__` that it has called without leaving its loop (`_Py_InitCleanup`, `Python/specialize.c`, from 3.12), whose
/// code is part of its file and stands before its first traceable instruction.
#[inline(always)]
fn is_hidden<M: Memory>(memory: &M, layouts: Layouts<'_>, block: &CallBlock) -> bool {
    let Layouts { walk, call } = layouts;
    if walk.frame_owner == ABSENT {
        return false;
    }
    if u32::from(block.u8(walk.frame_owner)) >= walk.frame_owner_shim {
        return true;
    }
    let code = block.u64(walk.frame_code) & walk.code_mask;
    if code.wrapping_sub(call.static_low) >= call.static_bytes {
        return false;
    }
    let units = memory.read_u32(code + u64::from(call.code_firsttraceable)).unwrap_or(0);
    i64::from(frame::lasti(walk, block, 0, code)) < 2 * i64::from(units)
}
