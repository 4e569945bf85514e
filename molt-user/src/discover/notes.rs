//! USDT probes, from the section `.note.stapsdt`.

use super::args::{Argument, parse_arguments};
use super::elf::{Elf, ElfError};
use object::LittleEndian as LE;
use object::elf::FileHeader64;
use object::read::elf::NoteIterator;

/// `NT_STAPSDT` (`sys/sdt.h`).
const NOTE_STAPSDT: u32 = 3;
/// Most notes taken from one file; CPython has under a hundred.
const MAX_NOTES: usize = 10_000;

/// One place in the code where a probe stands. A probe that was inlined or is used twice has several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Who defines it: `python` in CPython.
    pub provider: String,
    /// Its name, such as `gc__start`.
    pub name: String,
    /// Its address before the load bias.
    pub address: u64,
    /// Its offset in the file, which is how uprobes are placed.
    pub file_offset: u64,
    /// The offset in the file of the 16-bit counter that is above zero while someone listens; none if the
    /// probe always runs.
    pub semaphore_offset: Option<u64>,
    /// Its arguments; none if their text could not be understood.
    pub arguments: Option<Vec<Argument>>,
}

/// Reads all probes of a file. A file without the section has none; a damaged note is left out.
pub fn read_probes(elf: &Elf) -> Result<Vec<Probe>, ElfError> {
    let Some(section) = elf.find_section(b".note.stapsdt") else {
        return Ok(Vec::new());
    };
    let content = elf.read_section(section)?;
    // Prelinking moves the code and not the addresses in the notes; this section moves with the code.
    let base = elf.find_section(b".stapsdt.base").map(|base| base.address);
    let mut probes = Vec::new();
    let mut notes = NoteIterator::<FileHeader64<LE>>::new(LE, 4, &content)?;
    for _ in 0..MAX_NOTES {
        let Ok(Some(note)) = notes.next() else { break };
        if note.name() == b"stapsdt" && note.n_type(LE).0 == NOTE_STAPSDT {
            probes.extend(parse_note(note.desc(), base, elf));
        }
    }
    Ok(probes)
}

/// A note holds three addresses (the probe, the base section when it was linked, the semaphore or 0), then
/// provider, name and arguments, each ended by NUL.
fn parse_note(desc: &[u8], base: Option<u64>, elf: &Elf) -> Option<Probe> {
    let (address, rest) = desc.split_first_chunk()?;
    let (linked_base, rest) = rest.split_first_chunk()?;
    let (semaphore, rest) = rest.split_first_chunk()?;
    let linked_base = u64::from_le_bytes(*linked_base);
    let moved = base.map_or(0, |base| base.wrapping_sub(linked_base));
    let address = u64::from_le_bytes(*address).wrapping_add(moved);
    let mut texts = rest.split(|&byte| byte == 0).map(String::from_utf8_lossy);
    let (provider, name, arguments) = (texts.next()?, texts.next()?, texts.next()?);
    // A text without its NUL is the last piece of the split: then there is no fourth.
    texts.next()?;
    let semaphore_offset = match u64::from_le_bytes(*semaphore) {
        0 => None,
        semaphore => Some(elf.file_offset(semaphore.wrapping_add(moved))?),
    };
    Some(Probe {
        provider: provider.into_owned(),
        name: name.into_owned(),
        address,
        file_offset: elf.file_offset(address)?,
        semaphore_offset,
        arguments: parse_arguments(&arguments),
    })
}

#[cfg(test)]
mod tests {
    use super::{Probe, parse_note, read_probes};
    use crate::discover::elf::Elf;
    use std::fs::File;

    fn debian_python() -> Option<Elf> {
        Elf::parse(File::open("/usr/bin/python3.11").ok()?).ok()
    }

    /// Debian's interpreter is built with its probes; their names and semaphores are those of cpython's
    /// `Include/pydtrace.d`.
    #[test]
    fn finds_the_probes_of_debian_s_python() {
        let Some(elf) = debian_python() else { return };
        let probes = read_probes(&elf).unwrap();
        let find = |name: &str| probes.iter().filter(|probe| probe.name == name).collect::<Vec<&Probe>>();
        assert!(probes.iter().all(|probe| probe.provider == "python" && probe.semaphore_offset.is_some()));
        for (name, arguments) in
            [("function__entry", 3), ("gc__start", 1), ("import__find__load__done", 2), ("audit", 2)]
        {
            let places = find(name);
            assert!(!places.is_empty(), "{name}");
            for place in places {
                let found = place.arguments.as_ref().unwrap();
                assert_eq!(found.len(), arguments, "{name}");
                assert!(found.iter().all(|argument| argument.place.is_some()), "{place:?}");
            }
        }
    }

    /// A probe stands on a nop, 0x90: the uprobe goes there.
    #[test]
    fn file_offsets_lead_to_nops() {
        let Some(elf) = debian_python() else { return };
        for probe in read_probes(&elf).unwrap() {
            let mut code = [0];
            assert_eq!(elf.read_address(probe.address, &mut code), Some(&[0x90][..]), "{probe:?}");
        }
    }

    /// A note cut at any byte gives nothing, or a probe, and no panic.
    #[test]
    fn rejects_cut_notes() {
        let Some(elf) = debian_python() else { return };
        let probe = read_probes(&elf).unwrap().remove(0);
        let mut note = [probe.address.to_le_bytes(), [0; 8], [0; 8]].concat();
        note.extend_from_slice(b"python\0gc__start\x004@%eax\0");
        assert_eq!(parse_note(&note, None, &elf).unwrap().address, probe.address);
        for cut in 0..note.len() {
            assert_eq!(parse_note(&note[..cut], None, &elf), None, "cut at {cut}");
        }
    }
}
