//! What sampled frames call that has no Python code. Most samples meet a call that others have met: then one read tells
//! whether it still calls the same.

use super::reader::{Reader, SeenCode};
use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use crate::cpython::opcode::Load;
use crate::cpython::{Known, Unknown};
use crate::symbolize::callee::{Callee, Found, address, find_callee, loaded_by};
use crate::symbolize::memory::{ProcessMemory, Recent};
use molt_common::event::sample::Frame;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Most calls that are remembered. Beyond that all are forgotten, and those that matter are soon met again.
const MAX_CALLS: usize = 1 << 14;
/// Bytes of a callable from its type on: those of a function or method of C tell it from every other one.
const HEAD_BYTES: usize = 40;

/// Calls that samples have met.
#[derive(Clone, Debug, Default)]
pub(super) struct Callees(HashMap<Place, Met>);

/// The code object and its identity, and the instruction.
type Place = (u64, u64, i32);

/// What is known of a call.
#[derive(Clone, Debug)]
struct Met {
    /// Whether the callable is loaded as a global, and by which name; `None` where no name leads to it.
    loaded: Option<(bool, String)>,
    last: Option<Last>,
}

/// What was called last.
#[derive(Clone, Debug)]
struct Last {
    found: Found,
    /// Where it lay among the values: a call finds what it calls always in the same place.
    place: usize,
    head: Vec<u8>,
}

impl Reader {
    /// What a frame calls that has no Python code, if it stands at a call of such: `values` are the lowest of its stack.
    pub(super) fn callee(&mut self, frame: &Frame, code: &SeenCode, values: &[u64]) -> Option<Callee> {
        let Self { memory, layout, callees: Callees(met), .. } = self;
        let place = (frame.code, code.identity, frame.lasti);
        if met.len() >= MAX_CALLS && !met.contains_key(&place) {
            met.clear();
        }
        let met = match met.entry(place) {
            Entry::Occupied(met) => met.into_mut(),
            Entry::Vacant(new) => {
                new.insert(Met { loaded: loaded(memory, layout, frame, code).ok()?, last: None })
            }
        };
        let (is_global, name) = met.loaded.as_ref()?;
        let place_of = |addr: u64| values.iter().position(|value| address(layout, *value) == Some(addr));
        if let Some(Last { found, place, head }) = &met.last
            && place_of(found.addr) == Some(*place)
            && read_head(memory, layout, found.addr).as_ref() == Ok(head)
        {
            return Some(found.callee.clone());
        }
        let recent = Recent::new(&*memory);
        let objects = Objects::new(&recent, layout);
        let found = find_callee(&objects, values, name, || {
            if *is_global { objects.global(frame.globals, name) } else { Err(Unknown::Absent) }
        })?;
        let callee = found.callee.clone();
        met.last = place_of(found.addr)
            .zip(read_head(memory, layout, found.addr).ok())
            .map(|(place, head)| Last { found, place, head });
        Some(callee)
    }
}

/// Whether what the frame's call calls is loaded as a global, and its name; `None` where no name leads to it. Fails when
/// the name cannot be read.
fn loaded(
    memory: &ProcessMemory,
    layout: &Layout,
    frame: &Frame,
    code: &SeenCode,
) -> Known<Option<(bool, String)>> {
    let offset = u32::try_from(code.object.instruction(frame.lasti)).ok();
    let (is_global, index) = match offset.and_then(|offset| loaded_by(&code.object, offset)) {
        None => return Ok(None),
        Some(Load::Global(index)) => (true, index),
        Some(Load::Attribute(index)) => (false, index),
    };
    let recent = Recent::new(memory);
    let objects = Objects::new(&recent, layout);
    let names = objects.items(objects.u64(frame.code, layout.code_names)?)?;
    let name = names.get(index).ok_or(Unknown::Malformed)?;
    Ok(Some((is_global, objects.str(*name)?.value)))
}

fn read_head(memory: &ProcessMemory, layout: &Layout, addr: u64) -> Known<Vec<u8>> {
    let from = addr.wrapping_add(layout.object_type.into());
    Objects::new(memory, layout).bytes_at(from, HEAD_BYTES, HEAD_BYTES)
}
