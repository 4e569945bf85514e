//! Symbol tables and the names in them, as bytes of the file.

use super::LE;
use object::LittleEndian;
use object::elf::{self, Sym64};

/// Longest name taken from a string table, `PATH_MAX`; a longer one is cut.
pub(super) const MAX_NAME_BYTES: usize = 4096;

/// A defined symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its address, before the load bias.
    pub address: u64,
    /// Its size in bytes; 0 where the file does not say.
    pub bytes: u64,
}

/// A symbol table and its names, as in the file.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    /// `Elf64_Sym` after `Elf64_Sym`.
    pub(super) entries: Vec<u8>,
    /// The string table that they point into.
    pub(super) names: Vec<u8>,
}

impl Symbols {
    /// The address of the symbol at `index` of the table; none if it is defined elsewhere.
    pub(super) fn address(&self, index: u32) -> Option<u64> {
        const BYTES: usize = size_of::<Sym64<LittleEndian>>();
        let at = usize::try_from(index).ok()?.checked_mul(BYTES)?;
        let entry = self.entries.get(at..at.checked_add(BYTES)?)?;
        let (symbol, _) = object::pod::from_bytes::<Sym64<LittleEndian>>(entry).ok()?;
        (symbol.st_shndx.get(LE) != elf::SHN_UNDEF).then(|| symbol.st_value.get(LE))
    }

    /// Looks through the whole table: it has a few thousand entries, and few are asked for.
    pub(super) fn find(&self, name: &[u8]) -> Option<Symbol> {
        self.entries.chunks_exact(size_of::<Sym64<LittleEndian>>()).find_map(|entry| {
            let (symbol, _) = object::pod::from_bytes::<Sym64<LittleEndian>>(entry).ok()?;
            let names = self.names.get(usize::try_from(symbol.st_name.get(LE)).ok()?..)?;
            let defined = symbol.st_shndx.get(LE) != elf::SHN_UNDEF;
            (defined && names.strip_prefix(name)?.first() == Some(&0))
                .then(|| Symbol { address: symbol.st_value.get(LE), bytes: symbol.st_size.get(LE) })
        })
    }
}

/// The bytes up to the next NUL, at most `MAX_NAME_BYTES`; empty if the offset is wrong.
pub(super) fn string_at(strings: &[u8], offset: u64) -> &[u8] {
    let tail = usize::try_from(offset).ok().and_then(|offset| strings.get(offset..)).unwrap_or_default();
    let tail = tail.get(..MAX_NAME_BYTES).unwrap_or(tail);
    tail.split(|&byte| byte == 0).next().unwrap_or_default()
}
