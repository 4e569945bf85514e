//! The interpreter's dispatch table: which code executes which opcode.
//!
//! An interpreter built with computed gotos (`Python/opcode_targets.h`), or of tail calls, holds 256 pointers
//! to code, one for each opcode number. Symbols name neither the table nor the code, but the numbers that this
//! minor version leaves undefined all lead to one place, and that pattern is found in the data alone.

use super::handler::Text;
use super::opcode::Opcodes;
use super::sites::NoSites;
use crate::discover::elf::{Elf, Relocations};

/// Pointers in the table.
const OPCODES: usize = 256;
/// Most bytes of data that are looked through. Those of the largest interpreter known have 7 MB.
const MAX_DATA_BYTES: u64 = 64 << 20;

/// Where each opcode is executed.
#[derive(Debug)]
pub(super) struct DispatchTable {
    handlers: [u64; OPCODES],
}

impl DispatchTable {
    /// Looks for the one table in a file's data.
    pub(super) fn find(
        elf: &Elf,
        text: &Text<'_>,
        relocations: &Relocations,
        opcodes: &Opcodes,
    ) -> Result<Self, NoSites> {
        let mut found = Vec::new();
        let mut budget = MAX_DATA_BYTES;
        for section in elf.data_sections() {
            budget =
                budget.checked_sub(section.bytes).ok_or(NoSites::TooMuchData { most: MAX_DATA_BYTES })?;
            let (_, words) = elf.read_words(section, relocations)?;
            found.extend(tables(&words, |address| text.contains(address), opcodes));
        }
        match found.as_slice() {
            [] => Err(NoSites::NoTable),
            [handlers] => Ok(Self { handlers: *handlers }),
            _ => Err(NoSites::ManyTables { count: found.len() }),
        }
    }

    /// The address of the code that executes an opcode.
    pub(super) fn handler(&self, opcode: u8) -> u64 {
        self.handlers[usize::from(opcode)]
    }
}

/// Every run of 256 words that could be the table.
fn tables<'words>(
    words: &'words [u64],
    is_code: impl Fn(u64) -> bool + 'words,
    opcodes: &Opcodes,
) -> impl Iterator<Item = [u64; OPCODES]> + 'words {
    let undefined = opcodes.undefined();
    let mut code_words = 0;
    words.iter().enumerate().filter_map(move |(last, &word)| {
        code_words = if is_code(word) { code_words + 1 } else { 0 };
        if code_words < OPCODES {
            return None;
        }
        let first = (last + 1).checked_sub(OPCODES)?;
        let table: &[u64; OPCODES] = words.get(first..=last)?.try_into().ok()?;
        has_pattern(table, undefined).then_some(*table)
    })
}

/// Whether the undefined opcodes share one handler, and the defined ones do not. Without the second condition
/// a `switch` whose cases mostly lead to its default is taken for the table (3,909 places in Debian's 3.11.2).
/// Compilers merge few handlers: two at most in the builds known.
fn has_pattern(table: &[u64; OPCODES], undefined: &[u8]) -> bool {
    let mut targets = undefined.iter().map(|&opcode| table[usize::from(opcode)]);
    let Some(unknown) = targets.next() else { return false };
    if !targets.all(|target| target == unknown) {
        return false;
    }
    let mut distinct = *table;
    distinct.sort_unstable();
    let distinct = 1 + distinct.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let defined = OPCODES - undefined.len();
    distinct * 4 >= defined * 3
}

#[cfg(test)]
mod tests {
    use super::{OPCODES, tables};
    use crate::cpython::opcode::Opcodes;

    const CODE: u64 = 0x1000;

    /// A table as 3.13 has it: every opcode has its own handler, the undefined ones share one.
    fn table() -> Vec<u64> {
        let opcodes = Opcodes::of(13).unwrap();
        let handler = |opcode: u8| {
            if opcodes.undefined().contains(&opcode) { CODE } else { CODE + 1 + u64::from(opcode) }
        };
        (0..=255).map(handler).collect()
    }

    fn count(words: &[u64]) -> usize {
        tables(words, |word| word >= CODE, Opcodes::of(13).unwrap()).count()
    }

    /// The table is found wherever it lies, next to other pointers to code too.
    #[test]
    fn finds_the_table_among_other_words() {
        assert_eq!(count(&table()), 1);
        let mut words = vec![3, CODE + 7, CODE + 8];
        words.extend(table());
        words.extend([CODE + 9, 0]);
        assert_eq!(count(&words), 1);
        words.extend(table());
        assert_eq!(count(&words), 2);
    }

    /// One undefined opcode with a handler of its own, or one word that is no code: no table.
    #[test]
    fn refuses_other_patterns() {
        let mut other = table();
        other[usize::from(Opcodes::of(13).unwrap().undefined()[3])] += 500;
        assert_eq!(count(&other), 0);
        let mut data = table();
        data[10] = 8;
        assert_eq!(count(&data), 0);
        assert_eq!(count(&table()[1..]), 0);
        assert_eq!(count(&[]), 0);
    }

    /// A `switch` whose cases nearly all lead to its default matches at many offsets but for its few targets.
    #[test]
    fn refuses_a_switch_with_a_large_default() {
        let mut words = vec![CODE; 4 * OPCODES];
        for (index, word) in words.iter_mut().enumerate().take(100) {
            *word = CODE + index as u64;
        }
        assert_eq!(count(&words), 0);
    }
}
