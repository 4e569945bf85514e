//! A code object's identity: what tells it from another one at the same address.

use super::{Block, Memory, checked};
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};

/// One step of a multiplicative mix; the constant is 2^64 divided by the golden ratio, made odd.
#[inline(always)]
pub(super) fn fold(seed: u64, part: u64) -> u64 {
    let mixed = (seed ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Reads the identity of the code object at `code`, using `block` as scratch. Never 0.
///
/// Two code objects that follow each other at one address have different ones, or are copies of the same source.
#[inline(always)]
pub fn read_identity<M: Memory, const WORDS: usize>(
    memory: &M,
    layout: &WalkLayout,
    code: u64,
    block: &mut Block<WORDS>,
) -> Result<u64, Fault> {
    read_head(memory, layout, code, block)?;
    identity(memory, layout, block)
}

/// The same of code that runs in `globals`, and whether it was met there before: where memory remembers, that is
/// cheaper than to read it.
#[inline(always)]
pub fn recall_identity<M: Memory, const WORDS: usize>(
    memory: &M,
    layout: &WalkLayout,
    code: u64,
    globals: u64,
    block: &mut Block<WORDS>,
) -> Result<(u64, bool), Fault> {
    let key = if M::KEEPS_IDENTITIES { version_key(memory, layout, code, globals)? } else { None };
    if let Some(known) = key.and_then(|key| memory.known_identity(key)) {
        return Ok((known, true));
    }
    let found = read_identity(memory, layout, code, block)?;
    if let Some(key) = key {
        memory.note_identity(key, found);
    }
    Ok((found, false))
}

/// A number that no other code object of the process has in these globals, if the one at `code` has a version. 0 is
/// none: the interpreter's counter has overflowed (`_PyCode_New`, `Objects/codeobject.c`, 3.12).
#[inline(always)]
fn version_key<M: Memory>(
    memory: &M,
    layout: &WalkLayout,
    code: u64,
    globals: u64,
) -> Result<Option<u64>, Fault> {
    if layout.code_version == ABSENT {
        return Ok(None);
    }
    let version = memory.read_u32(checked(code)? + u64::from(layout.code_version))?;
    Ok((version != 0).then(|| fold(u64::from(version), code.wrapping_add(globals.rotate_left(16)))))
}

/// Reads into `block` the part of the code object at `code` that every code object is asked for.
#[inline(always)]
pub fn read_head<M: Memory, const WORDS: usize>(
    memory: &M,
    layout: &WalkLayout,
    code: u64,
    block: &mut Block<WORDS>,
) -> Result<(), Fault> {
    block.fill(memory, code + u64::from(layout.code_head), layout.code_bytes)
}

/// `CO_OPTIMIZED` (`Include/cpython/code.h`): set in functions only.
const CO_OPTIMIZED: u32 = 1;

/// The identity of a code object, whose head `block` holds; it is scratch afterwards. Never 0.
///
/// Its version is not part of it: a piece that is made a million times is one piece.
#[inline(always)]
pub fn identity<M: Memory, const WORDS: usize>(
    memory: &M,
    layout: &WalkLayout,
    block: &mut Block<WORDS>,
) -> Result<u64, Fault> {
    let flags = block.u32(layout.code_flags);
    let counts =
        u64::from(block.u32(layout.code_argcount)) << 32 | u64::from(block.u32(layout.code_kwonlyargcount));
    let place = u64::from(flags) << 32 | u64::from(block.u32(layout.code_firstlineno));
    // Products that do not wait for each other; no odd factor loses a change of its part.
    let mut sum = counts.wrapping_mul(FACTORS[0]).wrapping_add(place.wrapping_mul(FACTORS[1]));
    let mut add = |part: u64, factor: usize| sum = sum.wrapping_add(part.wrapping_mul(FACTORS[factor]));
    add(block.u64(layout.code_size), 2);
    add(block.u64(layout.code_name), 3);
    add(block.u64(layout.code_filename), 4);
    if flags & CO_OPTIMIZED == 0 {
        add(lines(memory, layout, block)?, 5);
    }
    let folded = sum ^ (sum >> 29);
    Ok(if folded == 0 { 1 } else { folded })
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

/// What the line table adds to an identity: what `exec` and `eval` make has always the same name and file, but the
/// table has its columns. The table's first 64 and last 64 bytes count. `block` holds where it is, and is scratch then.
#[inline(always)]
fn lines<M: Memory, const WORDS: usize>(
    memory: &M,
    layout: &WalkLayout,
    block: &mut Block<WORDS>,
) -> Result<u64, Fault> {
    let table = checked(block.u64(layout.code_linetable))?;
    let size = memory.read_u64(table + u64::from(layout.bytes_size))?;
    let data = table + u64::from(layout.bytes_data);
    let part = size.min(8 * PART_WORDS);
    let first = part_of(memory, data, part, block)?;
    let last = if size == part { 0 } else { part_of(memory, data.wrapping_add(size - part), part, block)? };
    Ok(fold(fold(size, first), last))
}

/// Words of a line table that count at either end.
const PART_WORDS: u64 = 8;

/// Folds the `len` bytes at `addr`, [`PART_WORDS`] words at most.
#[inline(always)]
fn part_of<M: Memory, const WORDS: usize>(
    memory: &M,
    addr: u64,
    len: u64,
    block: &mut Block<WORDS>,
) -> Result<u64, Fault> {
    for word in block.words.iter_mut().take(PART_WORDS as usize) {
        *word = 0;
    }
    if len > 0 {
        block.fill(memory, addr, len as u32)?;
    }
    Ok(block.words.iter().take(PART_WORDS as usize).fold(0, |folded, word| fold(folded, *word)))
}

/// The identity of code that runs in certain globals, which name its module: one code object may run in
/// several, and be several functions then. 0, an identity that is not known, stays 0.
#[inline(always)]
pub fn in_globals(identity: u64, globals: u64) -> u64 {
    if identity == 0 { 0 } else { identity.wrapping_add(globals.rotate_left(32)) | 1 }
}

#[cfg(test)]
mod tests;
