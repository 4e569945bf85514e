//! Relocations: the addresses that the dynamic linker writes into the file's data.

use super::{Elf, ElfError, LE, MAX_SECTION_BYTES, Section, check};
use object::LittleEndian;
use object::elf::{self, Rela64};

/// "Load bias plus addend", "symbol plus addend", and the two kinds of symbol addresses of the global offset
/// table (the processor supplements of the System V ABI).
#[cfg(target_arch = "x86_64")]
mod kind {
    use object::elf::{R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE};
    pub(super) const RELATIVE: u32 = R_X86_64_RELATIVE.0;
    pub(super) const SYMBOLIC: [u32; 3] = [R_X86_64_64.0, R_X86_64_GLOB_DAT.0, R_X86_64_JUMP_SLOT.0];
}
#[cfg(target_arch = "aarch64")]
mod kind {
    use object::elf::{R_AARCH64_ABS64, R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT, R_AARCH64_RELATIVE};
    pub(super) const RELATIVE: u32 = R_AARCH64_RELATIVE.0;
    pub(super) const SYMBOLIC: [u32; 3] = [R_AARCH64_ABS64.0, R_AARCH64_GLOB_DAT.0, R_AARCH64_JUMP_SLOT.0];
}

/// The words of a file that are written when it is loaded, as they are at a load bias of 0.
///
/// `SHT_RELR` needs no entry: its relocations keep the addend in the word itself, so that the file's bytes
/// are right at a load bias of 0, as are those of an executable that is linked to a fixed address.
#[derive(Debug, Default)]
pub struct Relocations {
    /// Address and value, by address.
    words: Vec<(u64, u64)>,
}

impl Relocations {
    /// The value at an address; none if nothing is written there, or the symbol is defined in another file.
    pub fn at(&self, address: u64) -> Option<u64> {
        let index = self.words.binary_search_by_key(&address, |word| word.0).ok()?;
        self.words.get(index).map(|word| word.1)
    }

    /// Writes them into `words`, which begin at `address`.
    fn apply(&self, address: u64, words: &mut [u64]) {
        let first = self.words.partition_point(|word| word.0 < address);
        for (at, value) in self.words.get(first..).unwrap_or_default() {
            let into = at.wrapping_sub(address);
            let Ok(index) = usize::try_from(into / 8) else { break };
            let Some(word) = words.get_mut(index) else { break };
            if into % 8 == 0 {
                *word = *value;
            }
        }
    }
}

impl Elf {
    /// Reads all relocations of loaded data whose value is known from this file.
    pub fn read_relocations(&self) -> Result<Relocations, ElfError> {
        let is_table = |section: &&Section| section.kind == elf::SHT_RELA && section.address != 0;
        let total =
            self.sections.iter().filter(is_table).fold(0, |sum: u64, table| sum.saturating_add(table.bytes));
        check("size of all relocations", total, MAX_SECTION_BYTES)?;
        let mut words = Vec::new();
        for table in self.sections.iter().filter(is_table) {
            for entry in self.read_section(table)?.chunks_exact(size_of::<Rela64<LittleEndian>>()) {
                let Ok((entry, _)) = object::pod::from_bytes::<Rela64<LittleEndian>>(entry) else { break };
                let base = match entry.r_type(LE, false).0 {
                    kind::RELATIVE => Some(0),
                    kind if kind::SYMBOLIC.contains(&kind) => self.symbols.address(entry.r_sym(LE, false)),
                    _ => None,
                };
                let value = base.map(|base| base.wrapping_add_signed(entry.r_addend.get(LE)));
                words.extend(value.map(|value| (entry.r_offset.get(LE), value)));
            }
        }
        words.sort_unstable();
        Ok(Relocations { words })
    }

    /// The sections of loaded data that have content in the file.
    pub fn data_sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| {
            section.kind == elf::SHT_PROGBITS && section.address != 0 && !section.executable
        })
    }

    /// A section's content as words, with the relocations written into it; the first word's address is a
    /// multiple of 8.
    pub fn read_words(
        &self,
        section: &Section,
        relocations: &Relocations,
    ) -> Result<(u64, Vec<u64>), ElfError> {
        let content = self.read_section(section)?;
        let address = section.address.checked_next_multiple_of(8).unwrap_or(section.address);
        let skipped = usize::try_from(address.wrapping_sub(section.address)).unwrap_or(0);
        let (chunks, _) = content.get(skipped..).unwrap_or_default().as_chunks();
        let mut words: Vec<u64> = chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
        relocations.apply(address, &mut words);
        Ok((address, words))
    }
}

#[cfg(test)]
mod tests {
    use super::Relocations;

    /// Words that are written lie inside, at the edges of and outside the range, and one is not aligned.
    #[test]
    fn applies_what_lies_in_the_range() {
        let relocations = Relocations { words: vec![(0x8, 1), (0x10, 2), (0x1c, 3), (0x28, 4), (0x30, 5)] };
        let mut words = [9; 4];
        relocations.apply(0x10, &mut words);
        assert_eq!(words, [2, 9, 9, 4]);
        assert_eq!(relocations.at(0x1c), Some(3));
        assert_eq!(relocations.at(0x18), None);
        relocations.apply(u64::MAX - 7, &mut words);
        assert_eq!(words, [2, 9, 9, 4]);
    }
}
