use super::read_identity;
use crate::fault::Fault;
use crate::layout::{ABSENT, WalkLayout};
use crate::walk::{Block, Memory};

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

/// As in 3.12, or as if it had no versions.
fn layout(is_versioned: bool) -> WalkLayout {
    let mut layout = <WalkLayout as zerocopy::FromZeros>::new_zeroed();
    let within = |at: u64, from: u64| (at - from) as u32;
    (layout.code_head, layout.code_bytes) = if is_versioned { (48, 48) } else { (16, 128) };
    let head = u64::from(layout.code_head);
    layout.code_version = if is_versioned { within(VERSION, head) } else { ABSENT };
    (layout.code_names, layout.code_names_bytes) = (within(FILENAME, 0), 32);
    let names = if is_versioned { FILENAME } else { head };
    (layout.code_filename, layout.code_name) = (within(FILENAME, names), within(NAME, names));
    (layout.code_flags, layout.code_firstlineno) = (within(FLAGS, head), within(FIRST_LINE, head));
    (layout.code_argcount, layout.code_kwonlyargcount) = (within(ARGCOUNT, head), within(KWONLY, head));
    (layout.code_linetable, layout.bytes_size, layout.bytes_data) = (within(LINE_TABLE, names), 16, 32);
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

fn identity(image: &Image, is_versioned: bool) -> u64 {
    let mut block: Block<32> = Block::new();
    read_identity(image, &layout(is_versioned), CODE, &mut block).unwrap()
}

/// The places where a change makes another code object of it, out of all that are named here.
fn telling(flags: u32, is_versioned: bool) -> Vec<u64> {
    let base = image(flags);
    let (begin, end) = (TABLE + 32 - CODE, TABLE + 32 + 196 - CODE);
    [16, ARGCOUNT, KWONLY, FIRST_LINE, VERSION, FILENAME, NAME, begin, begin + 80, end]
        .into_iter()
        .filter(|at| {
            let other = base.clone().set(CODE + at, 77);
            identity(&base, is_versioned) != identity(&other, is_versioned)
        })
        .collect()
}

/// A freed code object is mostly replaced by one that differs in one field only.
#[test]
fn each_field_that_counts_changes_the_identity() {
    let (begin, end) = (TABLE + 32 - CODE, TABLE + 32 + 196 - CODE);
    assert_eq!(telling(1, true), [ARGCOUNT, KWONLY, FIRST_LINE, VERSION], "a function of 3.12");
    assert_eq!(telling(1, false), [16, ARGCOUNT, KWONLY, FIRST_LINE, FILENAME, NAME], "a function of 3.11");
    let module = [ARGCOUNT, KWONLY, FIRST_LINE, FILENAME, NAME, begin, end];
    assert_eq!(telling(0, true), module, "a module of 3.12");
    assert_eq!(telling(0, false)[1..], module, "a module of 3.11");
    assert_ne!(identity(&image(0), true), identity(&image(64), true), "flags");
}

/// What cannot be read whole has no identity: half of one would be another's.
#[test]
fn an_unreadable_line_table_leaves_no_identity() {
    let gone = image(0).set(CODE + LINE_TABLE, 0x7000);
    assert_eq!(read_identity(&gone, &layout(true), CODE, &mut Block::<32>::new()), Err(Fault::ReadFault));
}
