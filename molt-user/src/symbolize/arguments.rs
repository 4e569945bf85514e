//! The arguments of an audit event: their types, and the values of those that are text or numbers.

use super::types::read_type_name;
use crate::cpython::layout::Layout;
use crate::cpython::object::{BYTES_SUBCLASS, Objects, UNICODE_SUBCLASS};
use crate::cpython::text::read_c_text;
use crate::cpython::{Known, Unknown};
use molt_common::effect::{ARGUMENTS_AT, MAX_ARGUMENTS, VARIADIC};
use molt_common::walk::Memory;

/// Most bytes of a value that are kept.
const MAX_VALUE: usize = 4096;
/// Bits of a digit of an int (`Include/cpython/longintrepr.h`, 64-bit builds of 3.8 to 3.15).
const DIGIT_BITS: u32 = 30;
/// What stands for a type that could not be read.
const UNREAD: &str = "?";

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The name of its type; `?` where it could not be read.
    pub type_name: String,
    /// The bytes of its text, where it is a str, bytes or an int.
    pub value: Option<Vec<u8>>,
}

/// Reads the arguments that were sent, [`MAX_ARGUMENTS`] at most.
pub fn read_arguments<M: Memory>(memory: &M, layout: &Layout) -> Vec<Argument> {
    let objects = Objects::new(memory, layout);
    let word = |index: usize| memory.read_u64(ARGUMENTS_AT + 8 * index as u64).unwrap_or(0);
    let values = (0..MAX_ARGUMENTS).map(|index| word(1 + index));
    match word(0) {
        count if count >= VARIADIC => {
            let format =
                read_c_text(&objects, word(1 + MAX_ARGUMENTS)).map_or(String::new(), |text| text.value);
            // Brackets and commas only group.
            let units = format.chars().filter(char::is_ascii_alphabetic);
            units.zip(values).map_while(|(unit, value)| read_variadic(&objects, unit, value)).collect()
        }
        count => {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            values.take(count).map(|value| read_object(&objects, value)).collect()
        }
    }
}

/// An argument of C by the unit of the format that tells what it is (`Py_BuildValue`); `None` for one after which
/// nothing can be told.
fn read_variadic<M: Memory>(objects: &Objects<'_, M>, unit: char, value: u64) -> Option<Argument> {
    let int =
        |value: i64| Argument { type_name: "int".to_owned(), value: Some(value.to_string().into_bytes()) };
    let low = u32::try_from(value & 0xffff_ffff).unwrap_or(0);
    Some(match unit {
        'O' | 'S' | 'U' | 'N' => read_object(objects, value),
        's' | 'z' => {
            let text = read_c_text(objects, value).ok().map(|text| text.value.into_bytes());
            Argument { type_name: "str".to_owned(), value: text }
        }
        'i' | 'h' | 'b' => int(low.cast_signed().into()),
        'I' | 'H' | 'B' => int(low.into()),
        'l' | 'n' | 'L' => int(value.cast_signed()),
        'k' | 'K' => Argument { type_name: "int".to_owned(), value: Some(value.to_string().into_bytes()) },
        _ => return None,
    })
}

fn read_object<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Argument {
    let kind = objects.u64(addr, objects.layout.object_type);
    let type_name = kind
        .and_then(|kind| read_type_name(objects.memory, objects.layout, kind))
        .unwrap_or_else(|_reason| UNREAD.to_owned());
    let value = match type_name.as_str() {
        "int" => read_int(objects, addr).ok().map(|value| value.to_string().into_bytes()),
        _ => read_text(objects, addr).ok(),
    };
    Argument { type_name, value }
}

/// The text of a str, or the bytes of a bytes object.
fn read_text<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<Vec<u8>> {
    let flags = objects.type_flags(addr)?;
    if flags & UNICODE_SUBCLASS != 0 {
        return Ok(objects.str(addr)?.value.into_bytes());
    }
    if flags & BYTES_SUBCLASS != 0 {
        return objects.bytes(addr, MAX_VALUE);
    }
    Err(Unknown::WrongType)
}

/// An int of at most two digits. Its size has its sign up to 3.11; from 3.12 on the two lowest bits of a word tell it
/// (0 positive, 1 zero, 2 negative), and the digits' number stands above the third.
fn read_int<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<i64> {
    let layout = objects.layout;
    let size = objects.u64(addr, layout.var_size)?;
    let (digits, negative) = if layout.minor >= 12 {
        (size >> 3, size & 3 == 2)
    } else {
        (size.cast_signed().unsigned_abs(), size.cast_signed() < 0)
    };
    let value = match digits {
        0 => 0,
        1 | 2 => {
            let both = objects.u64(addr, layout.var_size.saturating_add(8))?;
            let low = i64::from(u32::try_from(both & 0xffff_ffff).unwrap_or(0));
            let high = i64::from(u32::try_from(both >> 32).unwrap_or(0));
            if digits == 1 { low } else { low | high.wrapping_shl(DIGIT_BITS) }
        }
        _ => return Err(Unknown::TooLong),
    };
    Ok(if negative { -value } else { value })
}
