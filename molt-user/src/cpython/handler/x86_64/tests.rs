//! Handlers and functions as bytes.

use super::{arguments_site, find_entry, find_frame_clear, function_entry};
use crate::cpython::handler::{Entry, FrameClear, Shape, Text};
use crate::discover::args::Register;
use crate::discover::elf::Relocations;

const RBX: Register = Register(3);
const RSI: Register = Register(6);
const R10: Register = Register(10);

/// Where the instruction pointer is in a frame.
const INSTR: u32 = 0x38;

/// `mov %r10,0x38(%rbx)`.
const STORE: [u8; 4] = [0x4c, 0x89, 0x53, 0x38];
/// `endbr64`.
const ENDBR: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

fn entry(parts: &[&[u8]]) -> Result<Entry, Shape> {
    find_entry(&Text::of_bytes(&parts.concat()), 0, INSTR)
}

fn clear(parts: &[&[u8]]) -> Result<FrameClear, Shape> {
    find_frame_clear(&Text::of_bytes(&parts.concat()), &Relocations::default(), 0, RBX)
}

/// The probe goes on the first instruction that is emulated: short and near branches, calls and pushes.
#[test]
fn finds_the_store_and_the_site_behind_it() {
    // lea 2(%r10),%rax; and behind the store cmpl $0,0x3c(%r12).
    let (lea, compare) = ([0x49, 0x8d, 0x42, 2], [0x41, 0x83, 0x7c, 0x24, 0x3c, 0]);
    let found = Entry { site: 18, frame: RBX, instruction: R10 };
    for last in [
        &[0x74, 0][..],
        &[0x0f, 0x84, 0, 0, 0, 0],
        &[0xeb, 0],
        &[0xe9, 0, 0, 0, 0],
        &[0xe8, 0, 0, 0, 0],
        &[0x55],
        &[0x41, 0x54],
    ] {
        assert_eq!(entry(&[&ENDBR, &lea, &STORE, &compare, last, &[0x90]]), Ok(found), "{last:x?}");
    }
}

/// A handler may begin with a jump to code that it shares.
#[test]
fn follows_a_jump_to_the_store() {
    let found = entry(&[&[0xeb, 3], &[0xcc; 3], &STORE, &[0x74, 0]]);
    assert_eq!(found, Ok(Entry { site: 9, frame: RBX, instruction: R10 }));
}

/// What does not look like a handler is told from what cannot be probed.
#[test]
fn says_what_is_missing() {
    let nops = [0x90; 9];
    assert_eq!(entry(&[&nops, &STORE, &[0x74, 0]]), Err(Shape::NoStore), "too far in");
    assert_eq!(entry(&[&[0x74, 0], &STORE, &[0x74, 0]]), Err(Shape::NoStore), "only on one of two ways");
    assert_eq!(entry(&[&[0xc3]]), Err(Shape::NoStore));
    // mov %r10,0x38(%rsp); mov %r10,0x40(%rbx); mov %r10d,0x38(%rbx); mov %r10,0x38(%rbx,%rax).
    for other in [
        &[0x4c, 0x89, 0x54, 0x24, 0x38][..],
        &[0x4c, 0x89, 0x53, 0x40],
        &[0x44, 0x89, 0x53, 0x38],
        &[0x4c, 0x89, 0x54, 0x03, 0x38],
    ] {
        assert_eq!(entry(&[other, &[0x74, 0]]), Err(Shape::NoStore), "{other:x?}");
    }
    assert_eq!(entry(&[&STORE, &nops, &[0x74, 0]]), Err(Shape::NoEmulated));
    assert_eq!(entry(&[&STORE, &[0x31, 0xdb], &[0x74, 0]]), Err(Shape::NoEmulated), "xor %ebx,%ebx");
    assert_eq!(entry(&[&STORE, &[0xff, 0xe0]]), Err(Shape::NoEmulated), "jmp *%rax");
    assert_eq!(entry(&[&STORE, &[0x66, 0xeb, 0]]), Err(Shape::NoEmulated), "a jump with a prefix");
    assert_eq!(entry(&[&STORE]), Err(Shape::NoCode { address: 4 }));
    assert_eq!(entry(&[&STORE, &[0x06]]), Err(Shape::NoCode { address: 4 }), "no instruction");
}

/// The frame is followed through copies to the register in which the function gets it.
#[test]
fn follows_the_frame_to_the_first_call() {
    // mov %rbx,%rsi; je; mov %r12,%rbx (the caller's frame); mov %rax,%rdi; call behind all of it.
    let body = [0x48, 0x89, 0xde, 0x74, 0, 0x4c, 0x89, 0xe3, 0x48, 0x89, 0xc7];
    let found = clear(&[&body, &[0xe8, 1, 0, 0, 0], &[0xcc], &[0x55]]);
    assert_eq!(found, Ok(FrameClear { function: 17, frame: RSI }));
    // mov %rbx,%rax; mov %rax,%rdi, as before a call of `_PyFrame_Clear(frame)`.
    let found = clear(&[&[0x48, 0x89, 0xd8, 0x48, 0x89, 0xc7], &[0xe8, 0, 0, 0, 0], &[0x55]]);
    assert_eq!(found, Ok(FrameClear { function: 11, frame: Register(7) }));
    let lost = clear(&[&[0x48, 0x89, 0xde, 0x31, 0xf6], &[0xe8, 0, 0, 0, 0], &[0x55]]);
    assert_eq!(lost, Err(Shape::NoFrameArgument), "xor %esi,%esi");
    assert_eq!(clear(&[&[0xc3]]), Err(Shape::NoCall));
    assert_eq!(clear(&[&[0xeb, 0xfe]]), Err(Shape::NoCall), "a loop");
}

/// `endbr64` is left out, and a stub without a known target is no function.
#[test]
fn finds_the_entry_of_a_function() {
    let code = [&ENDBR[..], &[0x55]].concat();
    let text = Text::of_bytes(&code);
    assert_eq!(function_entry(&text, 0), Ok(4));
    assert_eq!(function_entry(&text, 4), Ok(4));
    assert_eq!(function_entry(&text, 5), Err(Shape::NoCode { address: 5 }));
    let stub = [&[0xff, 0x25][..], &8_u32.to_le_bytes()].concat();
    let called = clear(&[&[0x48, 0x89, 0xde], &[0xe8, 0, 0, 0, 0], &stub]);
    assert_eq!(called, Err(Shape::NoCode { address: 8 + 6 + 8 }));
}

/// The jump is taken while the arguments are what they were, and only then.
#[test]
fn probes_a_function_at_its_first_jump() {
    // push %rbp; mov %rdi,%rbp; test %rbp,%rbp.
    let begin = [0x55, 0x48, 0x89, 0xfd, 0x48, 0x85, 0xed];
    let site = |then: &[u8]| {
        let code = [&ENDBR[..], &begin, then, &[0x74, 0]].concat();
        arguments_site(&Text::of_bytes(&code), 0)
    };
    assert_eq!(site(&[]), Ok(11));
    assert_eq!(site(&[0x48, 0x8b, 0x5f, 0x28]), Ok(15), "mov 0x28(%rdi),%rbx");
    for (other, what) in [
        (&[0x31, 0xff][..], "xor %edi,%edi"),
        (&[0x89, 0x47, 0x24], "mov %eax,0x24(%rdi)"),
        (&[0xe8, 0, 0, 0, 0], "call"),
        (&[0x90; 12], "nops"),
        (&[0x06], "no instruction"),
    ] {
        assert_eq!(site(other), Ok(4), "{what}");
    }
    assert_eq!(arguments_site(&Text::of_bytes(&begin), 0), Ok(0));
}

/// Any bytes at all: an answer, at an instruction inside the code, and no panic.
#[test]
fn survives_random_code() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut code = [0; 64];
    let mut answers = 0;
    for _ in 0..20_000 {
        for chunk in code.chunks_mut(8) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            chunk.copy_from_slice(&random.to_le_bytes());
        }
        // Half of them begin like a handler.
        if random & 1 == 0 {
            code[..4].copy_from_slice(&STORE);
        }
        let text = Text::of_bytes(&code);
        if let Ok(found) = find_entry(&text, 0, INSTR) {
            assert!(found.site < 64);
            answers += 1;
        }
        let _ = find_frame_clear(&text, &Relocations::default(), 0, RBX);
        let _ = function_entry(&text, random % 70);
        let _ = arguments_site(&text, random % 70);
    }
    assert!(answers > 100, "{answers}");
}
