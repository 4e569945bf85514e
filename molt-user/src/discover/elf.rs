//! ELF files: what is needed to know an interpreter from its file.
//!
//! Files are foreign bytes: every size is bounded, nothing is mapped (a mapped file that is cut short kills
//! the reader), and a damaged file gives an error.

mod headers;
mod relocations;
mod symbols;

use headers::{find_build_id, find_interpreter, parse_header};
use molt_common::machine::PAGE_BYTES;
use object::LittleEndian;
use object::elf::{self, Dyn64};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use symbols::{Symbols, string_at};
use thiserror::Error;

pub use relocations::Relocations;
pub use symbols::Symbol;

/// Largest file that is parsed, in bytes. The largest libpython known, with debug information, has 60 MB.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Largest section that is read whole, in bytes. The symbol tables of an unstripped libpython have 400 kB.
const MAX_SECTION_BYTES: u64 = 64 << 20;
/// Most section headers: a count above is not one that a linker writes for a program.
const MAX_SECTIONS: u64 = 4096;
/// Most libraries that are noted as needed.
const MAX_NEEDED: usize = 1024;

/// The flags of a section that is loaded, as code.
const EXECUTABLE: u64 = elf::SHF_ALLOC.0 | elf::SHF_EXECINSTR.0;

const LE: LittleEndian = LittleEndian;

/// Why a file is not usable as an ELF file.
#[derive(Debug, Error)]
pub enum ElfError {
    /// The first four bytes are others.
    #[error("file is not an ELF file")]
    NotElf,
    /// A program for another word size, byte order or processor.
    #[error("file is built for another architecture")]
    ForeignArchitecture,
    /// See `MAX_FILE_BYTES` and `MAX_SECTIONS`.
    #[error("{what} is {found}, and at most {most} is read")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size or count.
        found: u64,
        /// The bound.
        most: u64,
    },
    /// A header or table does not lie within the file, or contradicts itself.
    #[error("damaged ELF structure: {0}")]
    Damaged(#[from] object::read::Error),
    /// Reading the file failed.
    #[error("failed to read from the file")]
    Read(#[from] io::Error),
}

/// A part of the file that is loaded (`PT_LOAD`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it lies in the file.
    pub offset: u64,
    /// Where it is loaded, before the load bias.
    pub address: u64,
    /// Bytes in the file.
    pub file_bytes: u64,
    /// Bytes in memory: zeros follow those of the file.
    pub memory_bytes: u64,
}

/// A named section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name, as bytes.
    pub name: Vec<u8>,
    /// Where it is loaded, before the load bias.
    pub address: u64,
    /// Where it lies in the file.
    pub offset: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it is loaded as code.
    pub executable: bool,
    kind: elf::SectionType,
    link: u32,
}

/// What the dynamic linker is told (`PT_DYNAMIC`, `PT_INTERP`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linking {
    /// The dynamic linker's path; none in a library or a static executable.
    pub interpreter: Option<Vec<u8>>,
    /// The libraries asked for by name.
    pub needed: Vec<Vec<u8>>,
    /// The library's own name.
    pub soname: Option<Vec<u8>>,
    /// `DT_RUNPATH` or `DT_RPATH`: folders to search, divided by colons.
    pub search_path: Option<Vec<u8>>,
}

/// A parsed file. It keeps the file open, so that its content can be read, and attached to, after its name
/// or its process is gone.
#[derive(Debug)]
pub struct Elf {
    file: File,
    /// The content of the `NT_GNU_BUILD_ID` note.
    pub build_id: Option<Vec<u8>>,
    /// The loaded parts, in the file's order.
    pub segments: Vec<Segment>,
    /// The sections, in the file's order.
    pub sections: Vec<Section>,
    /// What the dynamic linker is told.
    pub linking: Linking,
    symbols: Symbols,
}

impl Elf {
    /// Parses the headers, the dynamic section and the dynamic symbol table.
    pub fn parse(file: File) -> Result<Self, ElfError> {
        check("file size", file.metadata()?.len(), MAX_FILE_BYTES)?;
        let data = &ReadCache::new(&file);
        let header = parse_header(data)?;
        let programs = header.program_headers(LE, data)?;
        check("section count", header.shnum(LE, data)?.into(), MAX_SECTIONS)?;
        let headers = header.section_headers(LE, data)?;
        let names_index = if headers.is_empty() { 0 } else { header.section_strings_index(LE, data)?.0 };
        let name_offsets: Vec<u32> = headers.iter().map(|section| section.sh_name(LE)).collect();
        let sections = headers.iter().map(|section| Section {
            name: Vec::new(),
            address: section.sh_addr(LE),
            offset: section.sh_offset(LE),
            bytes: section.sh_size(LE),
            executable: section.sh_flags(LE).0 & EXECUTABLE == EXECUTABLE,
            kind: section.sh_type(LE),
            link: section.sh_link(LE),
        });
        let sections = sections.collect();
        let segments =
            programs.iter().filter(|program| program.p_type(LE) == elf::PT_LOAD).map(|program| Segment {
                offset: program.p_offset(LE),
                address: program.p_vaddr(LE),
                file_bytes: program.p_filesz(LE),
                memory_bytes: program.p_memsz(LE),
            });
        let segments = segments.collect();
        let build_id = find_build_id(programs, data);
        let interpreter = find_interpreter(programs, data);
        let mut parsed = Self {
            file,
            build_id,
            segments,
            sections,
            linking: Linking { interpreter, ..Linking::default() },
            symbols: Symbols::default(),
        };
        parsed.name_sections(names_index, &name_offsets)?;
        parsed.read_dynamic()?;
        parsed.symbols = parsed.read_symbols()?;
        Ok(parsed)
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// A defined symbol of the dynamic table; in a file that has none, a static executable, of the full one.
    pub fn find_symbol(&self, name: &[u8]) -> Option<Symbol> {
        self.symbols.find(name)
    }

    /// A defined symbol of the full table, which most files have lost.
    pub fn find_local_symbol(&self, name: &[u8]) -> Option<Symbol> {
        let table = self.sections.iter().find(|section| section.kind == elf::SHT_SYMTAB)?;
        let (entries, names) = (self.read_section(table).ok()?, self.read_linked(table).ok()?);
        Symbols { entries, names }.find(name)
    }

    /// Where a defined symbol lies in the file, as probes name places.
    pub fn file_offset_of(&self, name: &[u8]) -> Option<u64> {
        self.file_offset(self.find_symbol(name)?.address)
    }

    /// Whether the full symbol table was removed.
    pub fn is_stripped(&self) -> bool {
        self.sections.iter().all(|section| section.kind != elf::SHT_SYMTAB)
    }

    /// The first section of that name.
    pub fn find_section(&self, name: &[u8]) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// A section's content; empty for one that takes no room in the file.
    pub fn read_section(&self, section: &Section) -> Result<Vec<u8>, ElfError> {
        if section.kind == elf::SHT_NOBITS {
            return Ok(Vec::new());
        }
        check("section size", section.bytes, MAX_SECTION_BYTES)?;
        check("section end", section.offset.saturating_add(section.bytes), self.file.metadata()?.len())?;
        let mut content = vec![0; section.bytes.try_into().unwrap_or(0)];
        self.file.read_exact_at(&mut content, section.offset)?;
        Ok(content)
    }

    /// The offset in the file of a loaded address (before the load bias); none if it lies in no file content.
    pub fn file_offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let into = address.checked_sub(segment.address)?;
            (into < segment.file_bytes).then(|| segment.offset.checked_add(into))?
        })
    }

    /// What is added to the file's addresses when a mapping of its offset `offset` begins at `start`.
    pub fn load_bias(&self, start: u64, offset: u64) -> Option<u64> {
        // The kernel maps whole pages, so a mapping may begin before its segment, on a page that is the last
        // of another segment as well; later mappings of a segment begin within it.
        let first_page = |segment: &&Segment| segment.offset & !(PAGE_BYTES - 1) == offset;
        let within = |segment: &&Segment| {
            offset.checked_sub(segment.offset).is_some_and(|into| into < segment.file_bytes)
        };
        let segment = self.segments.iter().find(first_page).or_else(|| self.segments.iter().find(within))?;
        let address = segment.address.wrapping_sub(segment.offset).wrapping_add(offset);
        Some(start.wrapping_sub(address))
    }

    /// Reads up to `buffer.len()` bytes of file content at a loaded address; gives what was read.
    pub fn read_address<'buffer>(&self, address: u64, buffer: &'buffer mut [u8]) -> Option<&'buffer [u8]> {
        let offset = self.file_offset(address)?;
        let read = self.file.read_at(buffer, offset).ok()?;
        buffer.get(..read)
    }

    fn name_sections(&mut self, names_index: usize, offsets: &[u32]) -> Result<(), ElfError> {
        let names = self.sections.get(names_index);
        let names = names.map_or(Ok(Vec::new()), |names| self.read_section(names))?;
        for (section, &offset) in self.sections.iter_mut().zip(offsets) {
            section.name = string_at(&names, offset.into()).to_vec();
        }
        Ok(())
    }

    fn read_dynamic(&mut self) -> Result<(), ElfError> {
        let Some(dynamic) = self.sections.iter().find(|section| section.kind == elf::SHT_DYNAMIC) else {
            return Ok(());
        };
        let (entries, strings) = (self.read_section(dynamic)?, self.read_linked(dynamic)?);
        for entry in entries.chunks_exact(size_of::<Dyn64<LittleEndian>>()) {
            let Ok((entry, _)) = object::pod::from_bytes::<Dyn64<LittleEndian>>(entry) else { break };
            let text = || string_at(&strings, entry.d_val.get(LE)).to_vec();
            match entry.d_tag.get(LE) {
                elf::DT_NEEDED if self.linking.needed.len() < MAX_NEEDED => self.linking.needed.push(text()),
                elf::DT_SONAME => self.linking.soname = Some(text()),
                elf::DT_RPATH | elf::DT_RUNPATH => self.linking.search_path = Some(text()),
                elf::DT_NULL => break,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_symbols(&self) -> Result<Symbols, ElfError> {
        let find = |kind| self.sections.iter().find(|section| section.kind == kind);
        match find(elf::SHT_DYNSYM).or_else(|| find(elf::SHT_SYMTAB)) {
            Some(table) => {
                Ok(Symbols { entries: self.read_section(table)?, names: self.read_linked(table)? })
            }
            None => Ok(Symbols::default()),
        }
    }

    /// The string table that a section names.
    fn read_linked(&self, section: &Section) -> Result<Vec<u8>, ElfError> {
        let linked = usize::try_from(section.link).ok().and_then(|index| self.sections.get(index));
        linked.map_or(Ok(Vec::new()), |strings| self.read_section(strings))
    }
}

fn check(what: &'static str, found: u64, most: u64) -> Result<(), ElfError> {
    if found > most {
        return Err(ElfError::TooLarge { what, found, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
