//! Hook sites in the files of the interpreters on this machine, against what their symbols tell. Nothing runs,
//! and nothing needs privileges; `tests/suite/sites.rs` counts the calls that go through them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on panics, and is reported"
)]
#![expect(clippy::print_stdout, reason = "shows each interpreter's sites with --nocapture")]

#[path = "support/pythons.rs"]
#[expect(dead_code, reason = "the live suite uses the rest")]
mod pythons;

use molt_common::allocation::Site;
use molt_user::cpython::allocator::find_allocations;
use molt_user::cpython::layout::Layout;
use molt_user::cpython::opcode::Opcodes;
use molt_user::cpython::sites::{HookSites, Kind, NoSites, find_sites};
use molt_user::cpython::version::Version;
use molt_user::discover::args::Register;
use molt_user::discover::elf::Elf;
use object::{Object, ObjectSymbol};
use pythons::Interpreter;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;

/// The interpreters to look into. A test that looks into none must not pass.
fn supported() -> Vec<Interpreter> {
    let found: Vec<_> = pythons::list().into_iter().filter(|python| python.supported).collect();
    assert!(!found.is_empty(), "no interpreters listed: run `cargo xtask pythons`");
    found
}

fn find(python: &Interpreter, file: File) -> Result<HookSites, NoSites> {
    let version = Version::release(3, python.minor(), 0);
    let layout = Layout::of(version, python.free_threaded).expect("a supported version");
    find_sites(&Elf::parse(file)?, version, &layout)
}

fn sites(python: &Interpreter) -> HookSites {
    let file = File::open(&python.binary).expect("a file");
    find(python, file).unwrap_or_else(|error| panic!("{}: {error}", python.name))
}

/// Every interpreter has a site for each opcode of the RESUME family (up to 3.10 the one entry), one for
/// returns and one for exceptions; all handlers of a build hold the frame in one register.
#[test]
fn every_interpreter_has_all_sites() {
    for python in supported() {
        let sites = sites(&python);
        println!("{}\n  {}", python.name, sites.describe().join("\n  "));
        let opcodes: Vec<u8> = sites.entry.iter().filter_map(|site| Some(site.opcode?.0)).collect();
        if let Some(expected) = Opcodes::of(python.minor()) {
            assert_eq!(sites.kind, Kind::Dispatch, "{}", python.name);
            let family = expected.resume_family().iter().map(|(opcode, _)| *opcode);
            assert_eq!(opcodes, family.collect::<Vec<_>>(), "{}", python.name);
            let frame = sites.entry[0].frame_register;
            assert!(sites.entry.iter().all(|site| site.frame_register == frame), "{}", python.name);
        } else {
            assert_eq!(sites.kind, Kind::EvalFrame, "{}", python.name);
            assert_eq!(sites.entry.len(), 1, "{}", python.name);
        }
        let exit = sites.exit.unwrap_or_else(|shape| panic!("{}: {shape}", python.name));
        // rdi in 3.11, where the function takes the frame alone, else rsi, behind the thread state.
        let argument = match python.minor() {
            ..=10 => None,
            11 => Some(Register(7)),
            12.. => Some(Register(6)),
        };
        assert_eq!(exit.frame_argument, argument, "{}", python.name);
        assert!(sites.trace_back_here.is_some(), "{}", python.name);
    }
}

/// Where a file has symbols they name the functions that were found without them: the entries lie in the
/// interpreter's loop, and the exit is at the start of the function that clears frames.
#[test]
fn symbols_name_what_was_found() {
    let mut compared = 0;
    for python in supported().iter().filter(|python| python.minor() >= 11) {
        let bytes = fs::read(&python.binary).expect("a file");
        let file = object::File::parse(&*bytes).expect("an ELF file");
        let named = |address: u64, accept: fn(&str) -> bool| {
            let mut symbols = file.symbols().chain(file.dynamic_symbols());
            symbols.any(|symbol| {
                let inside = symbol.address() <= address && address < symbol.address() + symbol.size();
                inside && symbol.name().is_ok_and(accept)
            })
        };
        let has_all = file.symbols().next().is_some();
        let sites = sites(python);
        for site in sites.entry.iter().filter(|_| has_all) {
            let name = |name: &str| name.starts_with("_PyEval_EvalFrameDefault");
            assert!(named(site.address, name), "{}: {site:x?}", python.name);
        }
        // From 3.13 on the function is exported, and stripped files tell too.
        if has_all || python.minor() >= 13 {
            let exit = sites.exit.expect("an exit");
            let names = |name: &str| {
                ["_PyEval_FrameClearAndPop", "_PyEvalFrameClearAndPop", "_PyFrame_Clear"].contains(&name)
            };
            assert!(named(exit.address, names), "{}: {exit:x?}", python.name);
            compared += 1;
        }
    }
    assert!(compared > 0, "no interpreter with symbols");
}

/// An interpreter's file is no interpreter of another version: its table has another pattern.
#[test]
fn refuses_the_opcodes_of_another_version() {
    for python in supported().iter().filter(|python| python.minor() >= 11) {
        for other in (11..=15).filter(|&minor| minor != python.minor()) {
            let version = Version::release(3, other, 0);
            let layout = Layout::of(version, false).expect("a supported version");
            let elf = Elf::parse(File::open(&python.binary).expect("a file")).expect("an ELF file");
            let found = find_sites(&elf, version, &layout);
            assert!(found.is_err(), "{} as 3.{other}: {found:x?}", python.name);
        }
    }
}

/// Files with any bytes in their headers, relocations, tables and handlers: an answer, and no panic.
#[test]
fn survives_mangled_files() {
    let all = supported();
    let python = all.iter().find(|python| python.minor() >= 11).expect("3.11 or later");
    let sound = fs::read(&python.binary).expect("a file");
    let sites = sites(python);
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&sound).expect("room");
    let len = sound.len() as u64;
    let headers = u64::from_le_bytes(sound[40..48].try_into().expect("8 bytes"));
    let regions: Vec<(u64, u64)> = [(0, 1024), (headers, len)]
        .into_iter()
        .chain(sites.entry.iter().map(|site| (site.file_offset - 32, site.file_offset + 16)))
        .chain(sites.exit.iter().map(|site| (site.file_offset, site.file_offset + 16)))
        .collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let mut changed = 0;
    for _ in 0..150 {
        let (start, end) = regions[usize::try_from(next(regions.len() as u64)).expect("an index")];
        let at = start + next(end - start);
        let bytes =
            [[0xff; 8], [0; 8], next(u64::MAX).to_le_bytes()][usize::try_from(next(3)).expect("an index")];
        let count = bytes.len().min(usize::try_from(len - at).expect("a length"));
        file.write_all_at(&bytes[..count], at).expect("room");
        match find(python, file.try_clone().expect("a descriptor")) {
            Ok(found) if found == sites => {}
            Ok(_) | Err(_) => changed += 1,
        }
        let from = usize::try_from(at).expect("an offset");
        file.write_all_at(&sound[from..from + count], at).expect("room");
    }
    assert!(changed > 15, "the mangling was noticed {changed} times");
}

/// Every interpreter's requests of memory are seen at some place for each of its three functions, and all but a few
/// comparisons of the pointers to them are understood.
#[test]
fn every_interpreter_has_places_for_allocations() {
    for python in supported() {
        let elf = Elf::parse(File::open(&python.binary).expect("a file")).expect("an ELF file");
        let found = find_allocations(&elf).unwrap_or_else(|error| panic!("{}: {error}", python.name));
        println!("{}: {} places, {} unknown", python.name, found.sites.len(), found.unknown);
        let entered = found.sites.iter().filter(|place| place.site.flags & Site::COMPARED == 0);
        assert_eq!(entered.count(), 3, "{}", python.name);
        // Only those that were built with a profile have more.
        assert_eq!(found.sites.len() > 3, elf.is_stripped(), "{}", python.name);
        if elf.is_stripped() {
            assert!(found.sites.len() > 150 && found.unknown < 6, "{}: {found:?}", python.name);
        }
    }
}
