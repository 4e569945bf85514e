//! The Python frame on top of a thread's stack.

use super::call::CallBlock;
use super::{Memory, checked, code, frame};
use crate::call::packed;
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use crate::limits::MAX_SHIMS;

/// Code that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// [`packed`] with the identity that it has in its globals.
    pub code: u64,
    /// [`code::identity`]; 0 where it could not be read.
    pub identity: u64,
    /// Address of its globals.
    pub globals: u64,
}

/// The nearest Python frame of the thread whose state is at `tstate`; `None` when it runs none.
#[inline(always)]
pub fn top<M: Memory>(
    memory: &M,
    walk: &WalkLayout,
    tstate: u64,
    block: &mut CallBlock,
) -> Result<Option<Top>, Fault> {
    let mut at = if tstate == 0 { 0 } else { frame::innermost(memory, walk, tstate)? };
    if at == 0 {
        return Ok(None);
    }
    block.fill(memory, at, walk.frame_bytes)?;
    for _ in 0..MAX_SHIMS {
        if walk.frame_owner == ABSENT || u32::from(block.u8(walk.frame_owner)) < walk.frame_owner_shim {
            break;
        }
        at = block.u64(walk.frame_previous);
        if at == 0 {
            return Ok(None);
        }
        block.fill(memory, at, walk.frame_bytes)?;
    }
    let found = checked(block.u64(walk.frame_code) & walk.code_mask)?;
    let globals = block.u64(walk.frame_globals);
    let identity = code::read_identity(memory, walk, found, block).unwrap_or(0);
    Ok(Some(Top { code: packed(found, code::in_globals(identity, globals)), identity, globals }))
}
