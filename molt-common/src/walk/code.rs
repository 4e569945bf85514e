//! A code object's identity: what tells it from another one at the same address.

use super::{Block, Memory};
use crate::fault::Fault;
use crate::layout::WalkLayout;

/// Folds the fields that travel with each record as a code object's identity. Never 0.
///
/// Two code objects that follow each other at one address differ in at least one of them, or are copies of
/// the same source.
#[inline(always)]
pub fn identity(size: u64, argcount: u32, kwonlyargcount: u32, flags: u32, first_line: u32) -> u64 {
    let counts = u64::from(argcount) << 32 | u64::from(kwonlyargcount);
    let place = u64::from(flags) << 32 | u64::from(first_line);
    let folded = fold(fold(fold(0, size), counts), place);
    if folded == 0 { 1 } else { folded }
}

/// One step of a multiplicative mix; the constant is 2^64 divided by the golden ratio, made odd.
#[inline(always)]
fn fold(seed: u64, part: u64) -> u64 {
    let mixed = (seed ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Reads the identity of the code object at `code`, using `block` as scratch.
#[inline(always)]
pub fn read_identity<M: Memory>(
    memory: &M,
    layout: &WalkLayout,
    code: u64,
    block: &mut Block,
) -> Result<u64, Fault> {
    block.fill(memory, code, layout.code_bytes)?;
    Ok(identity(
        block.u64(layout.code_size),
        block.u32(layout.code_argcount),
        block.u32(layout.code_kwonlyargcount),
        block.u32(layout.code_flags),
        block.u32(layout.code_firstlineno),
    ))
}

#[cfg(test)]
mod tests {
    use super::identity;

    /// A freed code object is mostly replaced by one that differs in one field only.
    #[test]
    fn each_field_changes_the_identity() {
        let base = identity(100, 2, 0, 3, 10);
        assert_ne!(base, identity(101, 2, 0, 3, 10));
        assert_ne!(base, identity(100, 3, 0, 3, 10));
        assert_ne!(base, identity(100, 2, 1, 3, 10));
        assert_ne!(base, identity(100, 2, 0, 67, 10));
        assert_ne!(base, identity(100, 2, 0, 3, 11));
        assert_ne!(identity(0, 0, 0, 0, 0), 0);
    }
}
