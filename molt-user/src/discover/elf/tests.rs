use super::{Elf, ElfError, Symbol};
use crate::discover::maps::FileMapping;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;

fn own_executable() -> File {
    File::open("/proc/self/exe").unwrap()
}

fn parse_bytes(bytes: &[u8]) -> Result<Elf, ElfError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Elf::parse(file)
}

/// Every loaded library that any program here uses serves as a sample of what linkers write.
fn libc() -> Vec<u8> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let path = maps
        .lines()
        .find_map(|line| line.find('/').map(|at| &line[at..]).filter(|path| path.ends_with("libc.so.6")));
    fs::read(path.unwrap()).unwrap()
}

/// The test's own program: a position-independent executable with a dynamic linker and libraries.
#[test]
fn parses_its_own_executable() {
    let elf = Elf::parse(own_executable()).unwrap();
    assert!(!elf.is_stripped());
    assert!(elf.linking.interpreter.as_ref().unwrap().starts_with(b"/lib"));
    assert!(elf.linking.needed.iter().any(|name| name.starts_with(b"libc.so")));
    assert_eq!(elf.linking.soname, None);
    assert!(elf.find_section(b".text").is_some());
}

/// A library has a name of its own, and symbols that others look up; undefined ones do not count.
#[test]
fn finds_symbols_that_are_defined() {
    let elf = parse_bytes(&libc()).unwrap();
    assert_eq!(elf.linking.soname.as_deref(), Some(&b"libc.so.6"[..]));
    let malloc = elf.find_symbol(b"malloc").unwrap();
    assert!(matches!(malloc, Symbol { address: 1.., bytes: 1.. }));
    assert_eq!(elf.find_symbol(b"mallo"), None);
    assert_eq!(elf.find_symbol(b"__tls_get_addr"), None, "defined by the dynamic linker, not here");
}

/// The file's content at a symbol's address is what the process has there, at the load bias.
#[test]
fn file_offsets_and_load_bias_agree_with_memory() {
    let maps = crate::discover::maps::read_maps("/proc/self/maps".as_ref()).unwrap();
    let is_libc = |map: &&FileMapping| map.file_name().starts_with(b"libc");
    let path = &maps.iter().find(is_libc).unwrap().path;
    let elf = Elf::parse(File::open(path).unwrap()).unwrap();
    let mut biases: Vec<u64> =
        maps.iter().filter(is_libc).map(|map| elf.load_bias(map.start, map.offset).unwrap()).collect();
    biases.dedup();
    assert_eq!(biases.len(), 1, "all mappings of a file have one bias: {biases:x?}");
    let function = elf.find_symbol(b"malloc").unwrap();
    let mut expected = [0; 16];
    let expected = elf.read_address(function.address, &mut expected).unwrap();
    let mut found = [0; 16];
    let memory = File::open("/proc/self/mem").unwrap();
    memory.read_exact_at(&mut found, biases[0] + function.address).unwrap();
    assert_eq!(found[..], expected[..]);
}

/// A static executable has no dynamic symbols: the full table serves.
#[test]
fn finds_symbols_of_a_file_without_dynamic_ones() {
    let mut bytes = fs::read("/proc/self/exe").unwrap();
    let sections = Elf::parse(own_executable()).unwrap().sections;
    let dynamic = sections.iter().position(|section| section.name == b".dynsym").unwrap();
    let headers = usize::try_from(u64::from_le_bytes(bytes[40..48].try_into().unwrap())).unwrap();
    assert_eq!(Elf::parse(own_executable()).unwrap().find_symbol(b"main"), None);
    // The type of a section stands at byte 4 of its header of 64; 0 is a section that is not there.
    bytes[headers + 64 * dynamic + 4] = 0;
    assert!(parse_bytes(&bytes).unwrap().find_symbol(b"main").is_some());
}

/// What is no ELF file, or not for this machine, is told apart from a damaged one.
#[test]
fn refuses_other_files() {
    assert!(matches!(parse_bytes(b""), Err(ElfError::NotElf)));
    assert!(matches!(parse_bytes(b"#!/bin/sh\n"), Err(ElfError::NotElf)));
    let mut bytes = libc();
    bytes[4] = 1;
    assert!(matches!(parse_bytes(&bytes), Err(ElfError::ForeignArchitecture)));
    bytes[4] = 2;
    bytes[18] ^= 0x40;
    assert!(matches!(parse_bytes(&bytes), Err(ElfError::ForeignArchitecture)));
    assert!(matches!(parse_bytes(&libc()[..100]), Err(ElfError::Damaged(_))));
}

/// A file far larger than any program is refused before anything is allocated for it.
#[test]
fn refuses_huge_files() {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&libc(), 0).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(matches!(Elf::parse(file), Err(ElfError::TooLarge { .. })));
}

/// Headers with any bytes in them: parsed or refused, and all questions answered, without panic or hang.
#[test]
fn survives_mangled_headers() {
    let sound = libc();
    let sections = usize::try_from(u64::from_le_bytes(sound[40..48].try_into().unwrap())).unwrap();
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&sound, 0).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % bound as u64).unwrap()
    };
    let mut refused = 0;
    for _ in 0..1000 {
        let base = [0, 0, sections][next(3)];
        let at = base + next(if base == 0 { 1024 } else { sound.len() - sections });
        let bytes = [[0xff; 8], [0; 8], (next(1 << 40) as u64).to_le_bytes()][next(3)];
        let len = bytes.len().min(sound.len() - at);
        file.write_all_at(&bytes[..len], at as u64).unwrap();
        match Elf::parse(file.try_clone().unwrap()) {
            Ok(elf) => {
                elf.find_symbol(b"malloc");
                let _ = crate::discover::notes::read_probes(&elf);
                elf.load_bias(u64::MAX, u64::MAX);
                elf.read_address(0x1000, &mut [0; 64]);
                let _ = crate::discover::interpreter::Build::recognise(elf, b"python3");
            }
            Err(_) => refused += 1,
        }
        file.write_all_at(&sound[at..at + len], at as u64).unwrap();
    }
    assert!(refused > 10, "the mangling reached the parser {refused} times");
}
