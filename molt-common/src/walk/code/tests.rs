use super::{read_identity, recall_identity};
use crate::fault::Fault;
use crate::layout::WalkLayout;
use crate::walk::{Block, Memory};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Where the code object and its line table are in the image.
const CODE: u64 = 0x1000;
const TABLE: u64 = 0x1100;

/// Bytes from [`CODE`] on.
#[derive(Clone)]
struct Image(Vec<u8>);

impl Image {
    fn set(mut self, addr: u64, word: u32) -> Self {
        let at = (addr - CODE) as usize;
        self.0[at..at + 4].copy_from_slice(&word.to_le_bytes());
        self
    }
}

impl Memory for Image {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        let at = addr.checked_sub(CODE).ok_or(Fault::ReadFault)? as usize;
        into.copy_from_slice(self.0.get(at..at + into.len()).ok_or(Fault::ReadFault)?);
        Ok(())
    }
}

/// Offsets in a code object, from its beginning.
const FLAGS: u64 = 48;
const ARGCOUNT: u64 = 52;
const KWONLY: u64 = 60;
const FIRST_LINE: u64 = 68;
const VERSION: u64 = 92;
const FILENAME: u64 = 112;
const NAME: u64 = 120;
const LINE_TABLE: u64 = 136;

/// As in 3.12.
fn layout() -> WalkLayout {
    let mut layout = <WalkLayout as zerocopy::FromZeros>::new_zeroed();
    let within = |at: u64| (at - 16) as u32;
    (layout.code_head, layout.code_bytes) = (16, 128);
    layout.code_version = VERSION as u32;
    (layout.code_filename, layout.code_name) = (within(FILENAME), within(NAME));
    (layout.code_flags, layout.code_firstlineno) = (within(FLAGS), within(FIRST_LINE));
    (layout.code_argcount, layout.code_kwonlyargcount) = (within(ARGCOUNT), within(KWONLY));
    (layout.code_linetable, layout.bytes_size, layout.bytes_data) = (within(LINE_TABLE), 16, 32);
    layout
}

/// A code object with a line table of 200 bytes.
fn image(flags: u32) -> Image {
    Image(vec![0; 0x400])
        .set(CODE + FLAGS, flags)
        .set(CODE + FIRST_LINE, 10)
        .set(CODE + LINE_TABLE, TABLE as u32)
        .set(TABLE + 16, 200)
}

fn identity(memory: &impl Memory) -> u64 {
    let mut block: Block<32> = Block::new();
    read_identity(memory, &layout(), CODE, &mut block).unwrap()
}

/// The places where a change makes another code object of it, out of all that are named here.
fn telling(flags: u32) -> Vec<u64> {
    let base = image(flags);
    let (begin, end) = (TABLE + 32 - CODE, TABLE + 32 + 196 - CODE);
    [16, ARGCOUNT, KWONLY, FIRST_LINE, VERSION, FILENAME, NAME, begin, begin + 80, end]
        .into_iter()
        .filter(|at| identity(&base) != identity(&base.clone().set(CODE + at, 77)))
        .collect()
}

/// A freed code object is mostly replaced by one that differs in one field only; one that differs in its version alone
/// is a copy.
#[test]
fn each_field_that_counts_changes_the_identity() {
    let (begin, end) = (TABLE + 32 - CODE, TABLE + 32 + 196 - CODE);
    let function = [16, ARGCOUNT, KWONLY, FIRST_LINE, FILENAME, NAME];
    assert_eq!(telling(1), function, "a function");
    assert_eq!(telling(0), [&function[..], &[begin, end]].concat(), "a module");
    assert_ne!(identity(&image(0)), identity(&image(64)), "flags");
}

/// What cannot be read whole has no identity: half of one would be another's.
#[test]
fn an_unreadable_line_table_leaves_no_identity() {
    let gone = image(0).set(CODE + LINE_TABLE, 0x7000);
    assert_eq!(read_identity(&gone, &layout(), CODE, &mut Block::<32>::new()), Err(Fault::ReadFault));
}

/// Memory that remembers identities.
struct Keeping {
    image: Image,
    kept: RefCell<BTreeMap<u64, u64>>,
}

impl Memory for Keeping {
    const KEEPS_IDENTITIES: bool = true;

    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.image.read(addr, into)
    }

    fn known_identity(&self, key: u64) -> Option<u64> {
        self.kept.borrow().get(&key).copied()
    }

    fn note_identity(&self, key: u64, identity: u64) {
        self.kept.borrow_mut().insert(key, identity);
    }
}

/// The identity of a version is made once for each namespace that it runs in, and then said to be known. Other code at
/// its address has another version; code without one, of which there may be two, is looked at each time.
#[test]
fn a_version_has_one_identity() {
    const GLOBALS: u64 = 0x7000;
    let recall = |memory: &Keeping, globals| {
        recall_identity(memory, &layout(), CODE, globals, &mut Block::<32>::new()).unwrap()
    };
    let first = image(1).set(CODE + VERSION, 5);
    let mut memory = Keeping { image: first.clone(), kept: RefCell::default() };
    let found = identity(&first);
    assert_eq!(recall(&memory, GLOBALS), (found, false));
    memory.image = image(1).set(CODE + VERSION, 6).set(CODE + FIRST_LINE, 11);
    assert_ne!(recall(&memory, GLOBALS).0, found);
    memory.image = first.clone().set(CODE + FIRST_LINE, 12);
    assert_eq!(recall(&memory, GLOBALS), (found, true), "nothing but the version is read");
    assert_eq!(recall(&memory, GLOBALS + 8), (identity(&memory.image), false));
    memory.image = image(1);
    assert_eq!(recall(&memory, GLOBALS), (identity(&memory.image), false));
    memory.image = image(1).set(CODE + FIRST_LINE, 12);
    assert_eq!(recall(&memory, GLOBALS), (identity(&memory.image), false));
}
