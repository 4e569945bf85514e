//! What the kernel side is told of a program before its calls are counted.

use super::Ask;
use crate::cpython::plans::plans;
use crate::trace::names::CallNames;
use crate::trace::reader::Reader;
use molt_common::call::packed;
use molt_common::container::kind;

/// The types of containers that every interpreter exports.
const CONTAINERS: [(&[u8], u32); 5] = [
    (b"PyDict_Type", kind::DICT),
    (b"PyList_Type", kind::LIST),
    (b"PyTuple_Type", kind::TUPLE),
    (b"PySet_Type", kind::SET),
    (b"PyFrozenSet_Type", kind::SET),
];

/// Adds a program, and gives its number.
pub(super) fn number_of(programs: &mut Vec<CallNames>, names: CallNames) -> u32 {
    programs.push(names);
    u32::try_from(programs.len() - 1).unwrap_or(u32::MAX)
}

/// How the objects of a program are copied.
pub(super) fn introduce(asks: &mut Vec<Ask>, program: u32, reader: &Reader) {
    let interpreter = &reader.interpreter;
    let plans = plans(&reader.layout, &reader.calls);
    asks.push(Ask::Plan(program, Box::new(plans)));
    for (name, kind) in CONTAINERS {
        if let Some(symbol) = interpreter.build.elf.find_symbol(name) {
            let address = symbol.address.wrapping_add(interpreter.load_bias);
            asks.push(Ask::Kind(program, packed(address, 0), kind));
        }
    }
}
