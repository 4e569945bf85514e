//! A processor whose instructions are not known: nothing is found.

use super::{Entry, FrameClear, Passed, Shape, Text};
use crate::discover::args::Register;
use crate::discover::elf::Relocations;

pub(in crate::cpython) fn find_entry(_: &Text<'_>, _: u64, _: u32) -> Result<Entry, Shape> {
    Err(Shape::Processor)
}

pub(in crate::cpython) fn find_frame_clear(
    _: &Text<'_>,
    _: &Relocations,
    _: u64,
    _: Register,
) -> Result<FrameClear, Shape> {
    Err(Shape::Processor)
}

pub(in crate::cpython) fn landings(_: &Text<'_>, _: u64) -> Result<Vec<u64>, Shape> {
    Err(Shape::Processor)
}

pub(in crate::cpython) fn function_entry(_: &Text<'_>, _: u64) -> Result<u64, Shape> {
    Err(Shape::Processor)
}

pub(in crate::cpython) fn arguments_site(_: &Text<'_>, _: u64) -> Result<u64, Shape> {
    Err(Shape::Processor)
}

pub(in crate::cpython) fn eval_frame_argument(_: u8) -> Option<Register> {
    None
}

/// Not known.
pub(in crate::cpython) fn throw_argument(_minor: u8) -> Option<Register> {
    None
}

pub(in crate::cpython) fn comparison_around(_: &[u8], _: usize) -> Option<usize> {
    None
}

pub(in crate::cpython) fn promoted_call(_: &Text<'_>, _: u64, _: u64) -> Result<Option<Passed>, Shape> {
    Err(Shape::Processor)
}

pub(in crate::cpython) fn entered(_: &Text<'_>, _: u64) -> Result<Passed, Shape> {
    Err(Shape::Processor)
}

pub(in crate::cpython) fn takes_address(_: &[u8], _: usize, _: u64) -> Option<u64> {
    None
}
