//! Comparisons and functions as bytes.

use super::{comparison_around, entered, promoted_call, takes_address};
use crate::cpython::handler::{Argument, Passed, Shape, Text};
use crate::discover::args::Register;

const FUNCTION: u64 = 0x0040_1000;
/// `cmp $0x401000,%rax`.
const COMPARE: [u8; 6] = [0x48, 0x3d, 0x00, 0x10, 0x40, 0x00];
/// `jne` to what follows 4 bytes further on, and those 4: `nop`, `ret`, `nop`, `nop`.
const JUMP: [u8; 6] = [0x75, 0x04, 0x90, 0xc3, 0x90, 0x90];

fn call(parts: &[&[u8]]) -> Result<Option<Passed>, Shape> {
    promoted_call(&Text::of_bytes(&parts.concat()), 0, FUNCTION)
}

fn passed(second: Option<Argument>, third: Option<Argument>) -> Result<Option<Passed>, Shape> {
    Ok(Some(Passed { site: 6, depth: 0, arguments: [second, third] }))
}

/// Arguments are what the way to the call makes of registers: copies, constants, or what they were.
#[test]
fn arguments_are_followed_from_the_comparison_to_the_call() {
    let (rbx, rdx) = (Argument::In(Register(3)), Argument::In(Register(2)));
    // mov %rbx,%rsi; jmp *%rax.
    assert_eq!(call(&[&COMPARE, &JUMP, &[0x48, 0x89, 0xde], &[0xff, 0xe0]]), passed(Some(rbx), Some(rdx)));
    // mov $0x18,%esi; mov %rsi,%rdx; call *%rax.
    let constant = Some(Argument::Is(0x18));
    let moves = [0xbe, 0x18, 0, 0, 0, 0x48, 0x89, 0xf2];
    assert_eq!(call(&[&COMPARE, &JUMP, &moves, &[0xff, 0xd0]]), passed(constant, constant));
    // mov 8(%rsp),%rsi: it is not known where that was at the comparison.
    let load = [0x48, 0x8b, 0x74, 0x24, 0x08];
    assert_eq!(call(&[&COMPARE, &JUMP, &load, &[0xff, 0xe0]]), passed(None, Some(rdx)));
}

/// A comparison behind which another pointer is called, or none, says nothing; nor does one with another function.
#[test]
fn other_comparisons_are_refused() {
    // jmp *%rcx; ret; and mov %rbx,%rax; jmp *%rax.
    for end in [&[0xff, 0xe1][..], &[0xc3], &[0x48, 0x89, 0xd8, 0xff, 0xe0]] {
        assert_eq!(call(&[&COMPARE, &JUMP, end]), Err(Shape::NoCall));
    }
    let text = [&COMPARE[..], &JUMP, &[0xff, 0xe0]].concat();
    assert_eq!(promoted_call(&Text::of_bytes(&text), 0, FUNCTION + 1), Err(Shape::NoCall));
    // Behind the comparison no conditional jump, and one by another condition: js.
    assert_eq!(call(&[&COMPARE, &[0x90, 0xff, 0xe0]]), Err(Shape::NoEmulated));
    assert_eq!(call(&[&COMPARE, &[0x78, 0x00, 0xff, 0xe0]]), Err(Shape::NoCall));
}

/// Where the function that was expected is gone to it is seen at its entry, and not here.
#[test]
fn comparison_that_leads_into_the_function_is_left_out() {
    // At 0x100: cmp $0x100,%rax; jne +2; jmp 0x100.
    let mut code = vec![0x90; 0x200];
    code[..12].copy_from_slice(&[0x48, 0x3d, 0x00, 0x01, 0, 0, 0x75, 0x05, 0xe9, 0xf3, 0, 0]);
    code[12..16].copy_from_slice(&[0x00, 0xff, 0xe0, 0x90]);
    assert_eq!(promoted_call(&Text::of_bytes(&code), 0, 0x100), Ok(None));
}

/// The probe goes on the first jump, with the stack as deep as it is there, as long as the arguments are what they were.
#[test]
fn functions_are_probed_before_their_arguments_change() {
    let at = |code: &[u8]| entered(&Text::of_bytes(code), 0).map(|passed| (passed.site, passed.depth));
    // push %rbx; sub $0x18,%rsp; cmp $0x1ff,%rax; ja.
    let code = [0x53, 0x48, 0x83, 0xec, 0x18, 0x48, 0x3d, 0xff, 0x01, 0, 0, 0x77, 0x00, 0xc3];
    assert_eq!(at(&code), Ok((11, 0x20)));
    // push %rbx; xor %esi,%esi; ja.
    assert_eq!(at(&[0x53, 0x31, 0xf6, 0x77, 0x00]), Ok((0, 0)));
    // endbr64; lea -1(%rsi),%rax; ret.
    assert_eq!(at(&[0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x8d, 0x46, 0xff, 0xc3]), Ok((4, 0)));
}

/// Only whole instructions are taken for what they are looked for.
#[test]
fn operands_are_known_by_what_stands_before_them() {
    assert_eq!(comparison_around(&COMPARE, 2), Some(0));
    // cmp $imm,%r12.
    assert_eq!(comparison_around(&[0x90, 0x49, 0x81, 0xfc, 0, 0, 0, 0], 4), Some(1));
    // mov $imm,%esi.
    assert_eq!(comparison_around(&[0x90, 0x90, 0xbe, 0, 0, 0, 0], 3), None);
    assert_eq!(comparison_around(&[], 0), None);
    // lea 0x10(%rip),%rdx.
    assert_eq!(takes_address(&[0x48, 0x8d, 0x15, 0x10, 0, 0, 0], 3, 0x1000), Some(0x1017));
    assert_eq!(takes_address(&[0x48, 0x8b, 0x15, 0x10, 0, 0, 0], 3, 0x1000), None);
}

/// Any bytes at all: an answer inside the code, and no panic.
#[test]
fn survives_random_code() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut code = [0; 64];
    for _ in 0..20_000 {
        for chunk in code.chunks_mut(8) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            chunk.copy_from_slice(&random.to_le_bytes());
        }
        code[..6].copy_from_slice(&COMPARE);
        code[6] = if random & 1 == 0 { 0x74 } else { 0x75 };
        let text = Text::of_bytes(&code);
        if let Ok(Some(found)) = promoted_call(&text, 0, FUNCTION) {
            assert_eq!(found.site, 6);
        }
        assert!(entered(&text, 8).is_ok_and(|found| found.site < 64) || entered(&text, 8).is_err());
    }
}
