//! A code object's identity: what tells it from another one at the same address.

use super::{Block, Memory, Turns};
use crate::fault::Fault;
use crate::layout::WalkLayout;

/// The fields of a code object that tell it from another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// `ob_size`, or up to 3.10 the pointer `co_code`.
    pub size: u64,
    /// `co_name`'s address.
    pub name: u64,
    /// `co_filename`'s address.
    pub filename: u64,
    /// `co_argcount`.
    pub argcount: u32,
    /// `co_kwonlyargcount`.
    pub kwonlyargcount: u32,
    /// `co_flags`.
    pub flags: u32,
    /// `co_firstlineno`.
    pub first_line: u32,
    /// [`lines`] of code that runs once, such as a module's; 0 of a function's.
    pub lines: u64,
}

/// Folds the fields into the identity that travels with each record. Never 0.
///
/// Two code objects that follow each other at one address differ in at least one of the fields, or are copies
/// of the same source.
#[inline(always)]
pub fn identity(fields: &Fields) -> u64 {
    let counts = u64::from(fields.argcount) << 32 | u64::from(fields.kwonlyargcount);
    let place = u64::from(fields.flags) << 32 | u64::from(fields.first_line);
    let parts = [fields.size, fields.name, fields.filename, counts, place, fields.lines];
    let sum = parts.into_iter().zip(FACTORS).fold(0u64, |sum, (part, factor)| {
        // Products that do not wait for each other; no odd factor loses a change of its part.
        sum.wrapping_add(part.wrapping_mul(factor))
    });
    let folded = sum ^ (sum >> 29);
    if folded == 0 { 1 } else { folded }
}

/// 2^64 divided by the golden ratio, made odd, and its powers.
const FACTORS: [u64; 6] = {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let squared = GOLDEN.wrapping_mul(GOLDEN);
    let fourth = squared.wrapping_mul(squared);
    [
        GOLDEN,
        squared,
        squared.wrapping_mul(GOLDEN),
        fourth,
        fourth.wrapping_mul(GOLDEN),
        fourth.wrapping_mul(squared),
    ]
};

/// One step of a multiplicative mix; the constant is 2^64 divided by the golden ratio, made odd.
#[inline(always)]
pub(super) fn fold(seed: u64, part: u64) -> u64 {
    let mixed = (seed ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Reads the identity of the code object at `code`, using `block` as scratch.
#[inline(always)]
pub fn read_identity<M: Memory, const WORDS: usize>(
    memory: &M,
    layout: &WalkLayout,
    code: u64,
    block: &mut Block<WORDS>,
) -> Result<u64, Fault> {
    block.fill(memory, code, layout.code_bytes)?;
    let fields = fields(block, layout);
    Ok(identity(&Fields { lines: lines(memory, layout, code, fields.flags), ..fields }))
}

/// `CO_OPTIMIZED` (`Include/cpython/code.h`): set in functions only.
const CO_OPTIMIZED: u32 = 1;

/// What tells code that is no function from another piece at its address. What `exec` and `eval` make has always the
/// same name and file, and is freed at once; but its line table has its columns. 0 for a function.
///
/// The table's first 64 and last 64 bytes count.
#[inline(always)]
pub fn lines<M: Memory>(memory: &M, layout: &WalkLayout, code: u64, flags: u32) -> u64 {
    if flags & CO_OPTIMIZED != 0 {
        return 0;
    }
    let Ok(table) = memory.read_u64(code + u64::from(layout.code_linetable)) else { return 0 };
    let Ok(size) = memory.read_u64(table.wrapping_add(u64::from(layout.bytes_size))) else { return 0 };
    if size < 8 {
        return size;
    }
    let data = table.wrapping_add(u64::from(layout.bytes_data));
    let mut table = Lines { memory, data, size, folded: size };
    memory.repeat(size.div_ceil(8).min(LINE_WORDS) as u32, &mut table);
    table.folded
}

/// Words of a line table that count at most.
const LINE_WORDS: u64 = 16;

/// A line table that is being folded.
struct Lines<'a, M> {
    memory: &'a M,
    data: u64,
    size: u64,
    folded: u64,
}

impl<M: Memory> Turns for Lines<'_, M> {
    #[inline(always)]
    fn turn(&mut self, index: u32) -> bool {
        let mut at = 8 * u64::from(index);
        if at >= 4 * LINE_WORDS {
            at += self.size.saturating_sub(8 * LINE_WORDS);
        }
        // The last word may share bytes with the one before it.
        let at = self.data.wrapping_add(at.min(self.size - 8));
        self.folded = fold(self.folded, self.memory.read_u64(at).unwrap_or(0));
        true
    }
}

/// The fields of the code object that `block` holds, but for its lines.
#[inline(always)]
pub fn fields<const WORDS: usize>(block: &Block<WORDS>, layout: &WalkLayout) -> Fields {
    Fields {
        size: block.u64(layout.code_size),
        name: block.u64(layout.code_name),
        filename: block.u64(layout.code_filename),
        argcount: block.u32(layout.code_argcount),
        kwonlyargcount: block.u32(layout.code_kwonlyargcount),
        flags: block.u32(layout.code_flags),
        first_line: block.u32(layout.code_firstlineno),
        lines: 0,
    }
}

/// The identity of code that runs in certain globals, which name its module: one code object may run in
/// several, and be several functions then. 0, an identity that is not known, stays 0.
#[inline(always)]
pub fn in_globals(identity: u64, globals: u64) -> u64 {
    if identity == 0 { 0 } else { identity.wrapping_add(globals.rotate_left(32)) | 1 }
}

#[cfg(test)]
mod tests {
    use super::{Fields, identity};

    /// A freed code object is mostly replaced by one that differs in one field only.
    #[test]
    fn each_field_changes_the_identity() {
        let base = Fields {
            size: 100,
            name: 8,
            filename: 16,
            argcount: 2,
            kwonlyargcount: 0,
            flags: 3,
            first_line: 10,
            lines: 0,
        };
        let others = [
            Fields { size: 101, ..base },
            Fields { name: 24, ..base },
            Fields { filename: 24, ..base },
            Fields { argcount: 3, ..base },
            Fields { kwonlyargcount: 1, ..base },
            Fields { flags: 67, ..base },
            Fields { first_line: 11, ..base },
            Fields { lines: 5, ..base },
        ];
        for other in others {
            assert_ne!(identity(&base), identity(&other), "{other:?}");
        }
        assert_ne!(identity(&Fields::default()), 0);
    }
}
