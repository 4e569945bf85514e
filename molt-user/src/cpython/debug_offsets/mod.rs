//! The interpreter's own offsets: `_Py_DebugOffsets`, at the start of `_PyRuntime` from 3.13 on
//! (`Include/internal/pycore_debug_offsets.h`; 3.13: `pycore_runtime.h`).
//!
//! Where they say something they win over the table, after a check that they can be right. They do not say
//! all that molt needs, so they cannot stand alone.

mod v3_13;
mod v3_14;
mod v3_15;

#[cfg(test)]
mod tests;

use super::layout::Layout;
use super::version::{NEWEST_MINOR, OLDEST_MINOR, Version};
use super::{Known, Unknown};
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;

/// Where each field stands in one minor version's `_Py_DebugOffsets`.
struct Table {
    /// `sizeof(_Py_DebugOffsets)`.
    bytes: u32,
    fields: &'static [Field],
}

struct Field {
    at: u32,
    name: &'static str,
    column: fn(&mut Layout) -> &mut u32,
}

/// Version 3.13, the first with debug offsets.
const FIRST_MINOR: u8 = 13;
/// The cookie, the version and the free-threaded flag, 8 bytes each, which no version has moved.
const HEAD_BYTES: usize = 24;
const COOKIE: &[u8; 8] = b"xdebugpy";
/// Most bytes of an offset: `sizeof(PyInterpreterState)` is about 400,000 (3.12).
const MAX_OFFSET: u64 = 4 << 20;

/// An offset that the interpreter has elsewhere than the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name in `_Py_DebugOffsets`.
    pub name: &'static str,
    /// What the table has; [`ABSENT`] for nothing.
    pub table: u32,
    /// What the interpreter has, which counts.
    pub interpreter: u32,
}

/// A layout, and what the interpreter corrected in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What to read with.
    pub layout: Layout,
    /// The corrections, in the order of `_Py_DebugOffsets`.
    pub differences: Vec<Difference>,
    /// Whether the interpreter's own offsets were compared.
    pub compared: bool,
}

/// Why an interpreter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// There is no table for the version, and its own offsets are not enough.
    #[error(
        "CPython {version}{build} is not supported: molt knows 3.{OLDEST_MINOR} to 3.{NEWEST_MINOR}, \
         and free-threaded builds of 3.13 and 3.14"
    )]
    Unsupported {
        /// What was found.
        version: Version,
        /// ` (free-threaded)`, or nothing.
        build: &'static str,
    },
    /// The memory at `_PyRuntime` cannot be read.
    #[error("failed to read the offsets of CPython {version} at _PyRuntime")]
    Unreadable {
        /// The version that the binary claims.
        version: Version,
        /// Why not.
        #[source]
        reason: Unknown,
    },
    /// There is no cookie at `_PyRuntime`, or another version behind it: the address is wrong, or the
    /// interpreter has not started.
    #[error("no offsets of CPython {version} are at _PyRuntime")]
    NotThere {
        /// The version that the binary claims.
        version: Version,
    },
    /// An offset cannot be right.
    #[error("offset {name} of CPython {version} is {value}, which cannot be")]
    Insane {
        /// The version.
        version: Version,
        /// The name in `_Py_DebugOffsets`.
        name: &'static str,
        /// Its value.
        value: u64,
    },
}

/// The layout of the interpreter whose binary says `version` and whose `_PyRuntime` is at `runtime`.
pub fn layout_of<M: Memory>(memory: &M, version: Version, runtime: u64) -> Result<Checked, LayoutError> {
    if version.major() != 3 || version.minor() < FIRST_MINOR {
        return Ok(Checked { layout: table_for(version, false)?, differences: Vec::new(), compared: false });
    }
    let unreadable = |reason| LayoutError::Unreadable { version, reason };
    let head = read(memory, runtime, HEAD_BYTES).map_err(unreadable)?;
    let words = head.as_chunks::<8>().0;
    let &[cookie, own_version, free_threaded] = words else {
        return Err(LayoutError::NotThere { version });
    };
    if &cookie != COOKIE || u64::from_le_bytes(own_version) != u64::from(version.hex) {
        return Err(LayoutError::NotThere { version });
    }
    let layout = table_for(version, u64::from_le_bytes(free_threaded) != 0)?;
    let table = match version.minor() {
        13 => &v3_13::TABLE,
        14 => &v3_14::TABLE,
        15 => &v3_15::TABLE,
        _ => return Ok(Checked { layout, differences: Vec::new(), compared: false }),
    };
    let bytes = read(memory, runtime, table.bytes as usize).map_err(unreadable)?;
    correct(version, layout, table, &bytes)
}

fn table_for(version: Version, free_threaded: bool) -> Result<Layout, LayoutError> {
    let build = if free_threaded { " (free-threaded)" } else { "" };
    Layout::of(version, free_threaded).ok_or(LayoutError::Unsupported { version, build })
}

fn read<M: Memory>(memory: &M, addr: u64, len: usize) -> Known<Vec<u8>> {
    let mut bytes = vec![0; len];
    memory.read(addr, &mut bytes)?;
    Ok(bytes)
}

/// Puts the offsets in `bytes` into `layout`.
fn correct(
    version: Version,
    mut layout: Layout,
    table: &Table,
    bytes: &[u8],
) -> Result<Checked, LayoutError> {
    let mut differences = Vec::new();
    for Field { at, name, column } in table.fields {
        let word = bytes.get(*at as usize..).and_then(<[u8]>::first_chunk).copied();
        let value = u64::from_le_bytes(word.ok_or(LayoutError::NotThere { version })?);
        let held = column(&mut layout);
        if value == u64::from(*held) {
            continue;
        }
        let sane = value < MAX_OFFSET && (value % 4 == 0 || *name == "interpreter_frame.owner");
        let offset = u32::try_from(value).ok().filter(|_| sane);
        let interpreter = offset.ok_or(LayoutError::Insane { version, name, value })?;
        differences.push(Difference { name, table: *held, interpreter });
        *held = interpreter;
    }
    if !layout.walk().is_sound() {
        let name = "interpreter_frame or code_object";
        return Err(LayoutError::Insane { version, name, value: u64::from(ABSENT) });
    }
    Ok(Checked { layout, differences, compared: true })
}
