//! The headers of an ELF file, and what the program headers lead to.

use super::symbols::{MAX_NAME_BYTES, string_at};
use super::{ElfError, LE};
use object::LittleEndian;
use object::elf;
use object::read::ReadRef;
use object::read::elf::{FileHeader, ProgramHeader};

/// Largest note segment that is read, in bytes.
const MAX_NOTE_BYTES: u64 = 1 << 20;

#[cfg(target_arch = "x86_64")]
const NATIVE_MACHINE: elf::Machine = elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const NATIVE_MACHINE: elf::Machine = elf::EM_AARCH64;

pub(super) type Header = elf::FileHeader64<LittleEndian>;
pub(super) type Program = elf::ProgramHeader64<LittleEndian>;

/// Refuses what is no 64-bit program for this machine before the parser looks at more of it.
pub(super) fn parse_header<'data, R: ReadRef<'data>>(data: R) -> Result<&'data Header, ElfError> {
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

pub(super) fn find_interpreter<'data, R: ReadRef<'data>>(
    programs: &'data [Program],
    data: R,
) -> Option<Vec<u8>> {
    let program = programs.iter().find(|program| program.p_type(LE) == elf::PT_INTERP)?;
    (program.p_filesz(LE) <= MAX_NAME_BYTES as u64).then_some(())?;
    Some(string_at(program.data(LE, data).ok()?, 0).to_vec())
}

/// A file whose notes are damaged has no build id, and is otherwise usable.
pub(super) fn find_build_id<'data, R: ReadRef<'data>>(
    programs: &'data [Program],
    data: R,
) -> Option<Vec<u8>> {
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
