//! ELF files: what is needed to know an interpreter from its file.
//!
//! Files are foreign bytes: every size is bounded, nothing is mapped (a mapped file that is cut short kills
//! the reader), and a damaged file gives an error.

use object::LittleEndian;
use object::elf::{self, Dyn64, Sym64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::read::{ReadCache, ReadRef};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use thiserror::Error;

/// Largest file that is parsed, in bytes. The largest libpython known, with debug information, has 60 MB.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Largest section that is read whole, in bytes. The symbol tables of an unstripped libpython have 400 kB.
const MAX_SECTION_BYTES: u64 = 64 << 20;
/// Most section headers: a count above is not one that a linker writes for a program.
const MAX_SECTIONS: u64 = 4096;
/// Longest name taken from a string table, `PATH_MAX`; a longer one is cut.
const MAX_NAME_BYTES: usize = 4096;
/// Most libraries that are noted as needed.
const MAX_NEEDED: usize = 1024;
/// Largest note segment that is read, in bytes.
const MAX_NOTE_BYTES: u64 = 1 << 20;

/// The smallest page of the supported processors: a mapping begins on a multiple of it.
const PAGE_BYTES: u64 = 4096;

#[cfg(target_arch = "x86_64")]
const NATIVE_MACHINE: elf::Machine = elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const NATIVE_MACHINE: elf::Machine = elf::EM_AARCH64;

const LE: LittleEndian = LittleEndian;
type Header = elf::FileHeader64<LittleEndian>;
type Program = elf::ProgramHeader64<LittleEndian>;

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
    kind: elf::SectionType,
    link: u32,
}

/// A defined symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its address, before the load bias.
    pub address: u64,
    /// Its size in bytes; 0 where the file does not say.
    pub bytes: u64,
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
    dynamic_symbols: Symbols,
}

/// A symbol table and its names, as in the file.
#[derive(Debug, Default)]
struct Symbols {
    entries: Vec<u8>,
    names: Vec<u8>,
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
            kind: section.sh_type(LE),
            link: section.sh_link(LE),
        });
        let sections = sections.collect();
        let segments =
            programs.iter().filter(|program| program.p_type(LE) == elf::PT_LOAD).map(|program| Segment {
                offset: program.p_offset(LE),
                address: program.p_vaddr(LE),
                file_bytes: program.p_filesz(LE),
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
            dynamic_symbols: Symbols::default(),
        };
        parsed.name_sections(names_index, &name_offsets)?;
        parsed.read_dynamic()?;
        parsed.dynamic_symbols = parsed.read_symbols(elf::SHT_DYNSYM)?;
        Ok(parsed)
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// A defined symbol of the dynamic table.
    pub fn find_symbol(&self, name: &[u8]) -> Option<Symbol> {
        self.dynamic_symbols.find(name)
    }

    /// Where a defined dynamic symbol lies in the file, as probes name places.
    pub fn file_offset_of(&self, name: &[u8]) -> Option<u64> {
        self.file_offset(self.find_symbol(name)?.address)
    }

    /// A defined symbol of the full table, which stripped files lack. The table is read at each call.
    pub fn find_static_symbol(&self, name: &[u8]) -> Result<Option<Symbol>, ElfError> {
        Ok(self.read_symbols(elf::SHT_SYMTAB)?.find(name))
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

    fn read_symbols(&self, kind: elf::SectionType) -> Result<Symbols, ElfError> {
        match self.sections.iter().find(|section| section.kind == kind) {
            Some(section) => {
                Ok(Symbols { entries: self.read_section(section)?, names: self.read_linked(section)? })
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

impl Symbols {
    fn find(&self, name: &[u8]) -> Option<Symbol> {
        self.entries.chunks_exact(size_of::<Sym64<LittleEndian>>()).find_map(|entry| {
            let (symbol, _) = object::pod::from_bytes::<Sym64<LittleEndian>>(entry).ok()?;
            let names = self.names.get(usize::try_from(symbol.st_name.get(LE)).ok()?..)?;
            let defined = symbol.st_shndx.get(LE) != elf::SHN_UNDEF;
            (defined && names.strip_prefix(name)?.first() == Some(&0))
                .then(|| Symbol { address: symbol.st_value.get(LE), bytes: symbol.st_size.get(LE) })
        })
    }
}

/// Refuses what is no 64-bit program for this machine before the parser looks at more of it.
fn parse_header<'data, R: ReadRef<'data>>(data: R) -> Result<&'data Header, ElfError> {
    let ident = data.read_bytes_at(0, 16).unwrap_or_default();
    if !ident.starts_with(&elf::ELFMAG) {
        return Err(ElfError::NotElf);
    }
    if ident.get(4..6) != Some(&[elf::ELFCLASS64.0, elf::ELFDATA2LSB.0]) {
        return Err(ElfError::ForeignArchitecture);
    }
    let header = Header::parse(data)?;
    if header.e_machine(LE) != NATIVE_MACHINE {
        return Err(ElfError::ForeignArchitecture);
    }
    Ok(header)
}

fn find_interpreter<'data, R: ReadRef<'data>>(programs: &'data [Program], data: R) -> Option<Vec<u8>> {
    let program = programs.iter().find(|program| program.p_type(LE) == elf::PT_INTERP)?;
    (program.p_filesz(LE) <= MAX_NAME_BYTES as u64).then_some(())?;
    Some(string_at(program.data(LE, data).ok()?, 0).to_vec())
}

/// A file whose notes are damaged has no build id, and is otherwise usable.
fn find_build_id<'data, R: ReadRef<'data>>(programs: &'data [Program], data: R) -> Option<Vec<u8>> {
    programs.iter().filter(|program| program.p_filesz(LE) <= MAX_NOTE_BYTES).find_map(|program| {
        let mut notes = program.notes(LE, data).ok()??;
        while let Ok(Some(note)) = notes.next() {
            if note.name() == elf::ELF_NOTE_GNU && note.n_type(LE) == elf::NT_GNU_BUILD_ID {
                return Some(note.desc().to_vec());
            }
        }
        None
    })
}

/// The bytes up to the next NUL, at most `MAX_NAME_BYTES`; empty if the offset is wrong.
fn string_at(strings: &[u8], offset: u64) -> &[u8] {
    let tail = usize::try_from(offset).ok().and_then(|offset| strings.get(offset..)).unwrap_or_default();
    let tail = tail.get(..MAX_NAME_BYTES).unwrap_or(tail);
    tail.split(|&byte| byte == 0).next().unwrap_or_default()
}

fn check(what: &'static str, found: u64, most: u64) -> Result<(), ElfError> {
    if found > most {
        return Err(ElfError::TooLarge { what, found, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
