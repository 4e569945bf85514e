use super::{Instruction, Load, Moved, Opcodes};
use crate::cpython::Unknown;

fn no_executor(_: u8) -> Result<(u8, u8), Unknown> {
    Err(Unknown::Malformed)
}

/// 3.13: `LOAD_ATTR_MODULE` (197) goes back to `LOAD_ATTR` (82), and its nine caches to zero.
#[test]
fn undoes_specialisation_and_clears_caches() {
    let mut code = vec![149, 0, 197, 6];
    code.extend([7; 18]);
    code.extend([36, 0]);
    Opcodes::of(13).unwrap().restore(&mut code, &Moved::default(), no_executor).unwrap();
    let mut want = vec![149, 0, 82, 6];
    want.extend([0; 18]);
    want.extend([36, 0]);
    assert_eq!(code, want);
}

/// 3.13: line over instruction over an instrumented `RETURN_VALUE`, as two monitoring tools leave it.
#[test]
fn undoes_each_layer_of_instrumentation_in_turn() {
    let moved = Moved { lines: Some((vec![0, 9, 247, 9], 2)), instructions: Some(vec![0, 239]) };
    let mut code = vec![30, 0, 254, 0];
    Opcodes::of(13).unwrap().restore(&mut code, &moved, no_executor).unwrap();
    assert_eq!(code, [30, 0, 36, 0]);
}

/// Torn memory: the unit says that its opcode was moved, but there is no table.
#[test]
fn refuses_a_moved_opcode_without_its_table() {
    let mut code = vec![254, 0];
    let result = Opcodes::of(13).unwrap().restore(&mut code, &Moved::default(), no_executor);
    assert_eq!(result, Err(Unknown::Malformed));
}

/// 3.13: the executor's own opcode and argument replace `ENTER_EXECUTOR` (70).
#[test]
fn takes_opcode_and_argument_from_the_executor() {
    let mut code = vec![70, 3, 1, 1];
    let executor = |index| if index == 3 { Ok((77, 12)) } else { Err(Unknown::Malformed) };
    Opcodes::of(13).unwrap().restore(&mut code, &Moved::default(), executor).unwrap();
    assert_eq!(code, [77, 12, 0, 0]);
}

/// 3.11: `PRECALL` (166, one cache) and `CALL` (171, four caches) are one call site.
#[test]
fn precall_and_call_have_one_start() {
    let opcodes = Opcodes::of(11).unwrap();
    let mut code = vec![151, 0, 166, 1, 0, 0, 171, 1];
    code.extend([0; 8]);
    code.extend([100, 0]);
    let starts: Vec<u32> = (0..9).map(|unit| opcodes.starts(&code).of(unit * 2)).collect();
    assert_eq!(starts, [0, 2, 2, 2, 2, 2, 2, 2, 16]);
    assert_eq!(opcodes.starts(&code).of(400), 400, "outside the code");
}

/// 3.13: prefixes and caches belong to their instruction, and what loads by name says by which; in 3.11 the lowest bit of
/// an attribute's argument is a part of its index.
#[test]
fn instructions_tell_what_they_load_by_name() {
    let opcodes = Opcodes::of(13).unwrap();
    let mut code = vec![71, 1, 91, 3];
    code.extend([0; 8]);
    code.extend([82, 5]);
    code.extend([0; 18]);
    code.extend([34, 0, 53, 1]);
    let found: Vec<_> = opcodes.instructions(&code).collect();
    let places: Vec<_> = found.iter().map(|found| (found.offset, found.opcode, found.argument)).collect();
    assert_eq!(places, [(2, 91, 0x103), (12, 82, 5), (32, 34, 0), (34, 53, 1)]);
    let loads: Vec<_> = found.iter().map(|found| opcodes.load(*found)).collect();
    assert_eq!(loads, [Some(Load::Global(0x81)), Some(Load::Attribute(2)), None, None]);
    assert!(opcodes.is_call(53) && !opcodes.is_call(82) && opcodes.is_beside_callable(34));
    let old = Opcodes::of(11).unwrap();
    let attribute = Instruction { offset: 0, opcode: 106, argument: 5 };
    assert_eq!(old.load(attribute), Some(Load::Attribute(5)));
}
