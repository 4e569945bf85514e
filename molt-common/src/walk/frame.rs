//! One step of the walk: a frame to its record and its caller.

use super::{Block, Buffers, Memory, checked, code};
use crate::event::sample::Frame;
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};

/// What one step of the walk found.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The frame, or `None` for a shim that the interpreter puts between C and Python.
    pub frame: Option<Frame>,
    /// Address of the caller's frame; 0 at the outermost one.
    pub previous: u64,
    /// Its code was met in its globals before, as far as memory remembers.
    pub is_known: bool,
}

/// The innermost frame of the thread whose state is at `tstate`; 0 when it runs no Python code.
#[inline(always)]
pub fn innermost<M: Memory>(memory: &M, layout: &WalkLayout, tstate: u64) -> Result<u64, Fault> {
    let held = memory.read_u64(checked(tstate)? + u64::from(layout.tstate_frame))?;
    if layout.cframe_current_frame == ABSENT || held == 0 {
        return Ok(held);
    }
    memory.read_u64(checked(held)? + u64::from(layout.cframe_current_frame))
}

/// Reads the frame at `addr`.
///
/// A code object that cannot be read leaves the identity 0, and the walk goes on: user space can take the
/// page fault that the kernel cannot.
#[inline(always)]
pub fn step<M: Memory>(
    memory: &M,
    layout: &WalkLayout,
    addr: u64,
    buffers: &mut Buffers,
) -> Result<Step, Fault> {
    let (block, at) = buffers.frames.cover(memory, layout, addr)?;
    let previous = block.u64(at.wrapping_add(layout.frame_previous));
    let owner = if layout.frame_owner == ABSENT {
        0
    } else {
        u32::from(block.u8(at.wrapping_add(layout.frame_owner)))
    };
    if owner >= layout.frame_owner_shim {
        return Ok(Step { frame: None, previous, is_known: false });
    }
    let code_addr = checked(block.u64(at.wrapping_add(layout.frame_code)) & layout.code_mask)?;
    let globals = block.u64(at.wrapping_add(layout.frame_globals));
    let lasti = lasti(layout, block, at, code_addr);
    let recalled = code::recall_identity(memory, layout, code_addr, globals, &mut buffers.code);
    let (identity, is_known) = recalled.unwrap_or((0, false));
    Ok(Step { frame: Some(Frame { code: code_addr, identity, globals, lasti, owner }), previous, is_known })
}

/// Offset in bytes of the instruction at which a frame of `code` stands; `block` holds the frame at `at`.
#[inline(always)]
pub fn lasti<const WORDS: usize>(layout: &WalkLayout, block: &Block<WORDS>, at: u32, code: u64) -> i32 {
    let instr = at.wrapping_add(layout.frame_instr);
    if layout.code_adaptive == ABSENT {
        return (block.u32(instr) as i32).wrapping_mul(layout.lasti_unit as i32);
    }
    let first = code.wrapping_add(u64::from(layout.code_adaptive));
    block.u64(instr).wrapping_sub(first) as i32
}
