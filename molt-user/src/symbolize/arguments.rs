//! The arguments of an audit event: their types, and the values of those that are text. Numbers may be ids of
//! processes or of objects, which differ from run to run.

use super::types::read_type_name;
use crate::cpython::layout::Layout;
use crate::cpython::object::{BYTES_SUBCLASS, Objects, UNICODE_SUBCLASS};
use crate::cpython::text::read_c_text;
use crate::cpython::{Known, Unknown};
use molt_common::effect::{ARGUMENT_BYTES, ARGUMENTS_AT, MAX_ARGUMENTS, VARIADIC};
use molt_common::walk::Memory;

/// Most bytes of a value that are kept.
const MAX_VALUE: usize = 4096;
/// What stands for a type that could not be read.
const UNREAD: &str = "?";

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The name of its type; `?` where it could not be read.
    pub type_name: String,
    /// The bytes of its text, where it is a str or bytes.
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
            let mut found: Vec<Argument> =
                units.zip(values).map_while(|(unit, value)| read_variadic(&objects, unit, value)).collect();
            // Text with a length of its own, behind which nothing can be told.
            if let Some((before, _)) = format.split_once('#') {
                found.truncate(before.chars().filter(char::is_ascii_alphabetic).count());
                if let Some(last) = found.last_mut() {
                    last.value = None;
                }
            }
            found
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
    Some(match unit {
        'O' | 'S' | 'U' | 'N' => read_object(objects, value),
        's' | 'z' => {
            let text = copied_text(objects, value);
            Argument { type_name: "str".to_owned(), value: text }
        }
        'y' => {
            let text = copied_text(objects, value);
            Argument { type_name: "bytes".to_owned(), value: text }
        }
        'i' | 'h' | 'b' | 'I' | 'H' | 'B' | 'l' | 'n' | 'L' | 'k' | 'K' => {
            Argument { type_name: "int".to_owned(), value: None }
        }
        _ => return None,
    })
}

fn read_object<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Argument {
    let kind = objects.u64(addr, objects.layout.object_type);
    let type_name = kind
        .and_then(|kind| read_type_name(objects.memory, objects.layout, kind))
        .unwrap_or_else(|_reason| UNREAD.to_owned());
    Argument { type_name, value: read_text(objects, addr).ok() }
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

/// A text of C, if all of it was copied: what lies behind may have changed since.
fn copied_text<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Option<Vec<u8>> {
    let text = read_c_text(objects, addr).ok()?.value.into_bytes();
    Some(text).filter(|text| (text.len() as u64) < ARGUMENT_BYTES)
}
