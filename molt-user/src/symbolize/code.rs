//! A code object's names, place, hash and tables, read from the target's memory.

use super::kind::kind_of;
use crate::cpython::layout::Layout;
use crate::cpython::linetable::{LineTable, Position};
use crate::cpython::object::{Head, Objects};
use crate::cpython::opcode::{Moved, Opcodes, Starts};
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use molt_common::layout::ABSENT;
use molt_common::walk::{Block, Memory, code};
use molt_mpa::model::SymbolKind;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Most bytes of one function's code: a generated table of 100,000 entries has about 1 MB.
pub const MAX_CODE_BYTES: usize = 8 << 20;
/// Most bytes of a line table: it has at most some 20 bytes for each code unit, and mostly one for each two.
pub const MAX_LINE_TABLE_BYTES: usize = 8 << 20;
/// Largest `bytes_per_entry` of the line table of `_co_monitoring`: an opcode and a delta of up to 4 bytes.
const MAX_LINE_ENTRY_BYTES: u8 = 8;

/// A code object. What could not be read says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeObject {
    /// [`molt_common::walk::code::read_identity`] at the time of reading.
    pub identity: u64,
    /// `co_name`.
    pub name: Known<Text>,
    /// `co_qualname`; [`Unknown::NotInVersion`] up to 3.10.
    pub qualname: Known<Text>,
    /// `__name__` of the namespace that the frame ran in.
    pub module: Known<Text>,
    /// `co_filename`.
    pub filename: Known<Text>,
    /// The first parameter's name; [`Unknown::Absent`] without parameters.
    pub first_parameter: Known<Text>,
    /// `co_firstlineno`.
    pub first_line: i32,
    /// `co_flags`.
    pub flags: u32,
    /// `co_argcount`, with the positional-only parameters.
    pub argcount: u32,
    /// `co_posonlyargcount`.
    pub posonlyargcount: u32,
    /// `co_kwonlyargcount`.
    pub kwonlyargcount: u32,
    /// `_co_firsttraceable` in bytes: a frame before it is not visible to Python. 0 up to 3.10.
    pub first_traceable: u32,
    /// `co_code`.
    pub code: Known<Box<[u8]>>,
    /// Where its instructions start; `None` up to 3.10, whose frames point nowhere else.
    pub starts: Option<Starts>,
    /// SHA-256 of `co_code`.
    pub code_hash: Known<[u8; 32]>,
    /// From offsets to lines and columns.
    pub lines: Known<LineTable>,
    /// Names of its globals that it sets or deletes, as far as they could be read.
    pub stored_globals: Vec<String>,
    /// The minor version, which decides how offsets are read.
    pub minor: u8,
}

/// The place in a function from which a call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// Offset in bytes of the instruction's start: the same for every state of specialisation. -1 before the
    /// first instruction.
    pub offset: i32,
    /// Its place in the source, when the instruction has one.
    pub position: Option<Position>,
}

impl CodeObject {
    /// What sort of code it is; `qualname` where it was derived elsewhere.
    pub fn kind(&self, qualname: Option<&str>) -> SymbolKind {
        let own = self.qualname.as_ref().ok().map(|text| text.value.as_str());
        let name = self.name.as_ref().map_or("", |text| text.value.as_str());
        let first = self.first_parameter.as_ref().ok().map(|text| text.value.as_str());
        kind_of(self.flags, name, own.or(qualname), first)
    }

    /// The place of the instruction at `lasti`, a byte offset.
    pub fn position(&self, lasti: i32) -> Option<Position> {
        self.lines.as_ref().ok()?.position(lasti)
    }

    /// The call site that a frame at `lasti` stands at: cache units count for their instruction.
    pub fn site(&self, lasti: i32) -> Site {
        let offset = self.instruction(lasti);
        Site { offset, position: self.position(offset) }
    }

    /// Offset in bytes of the start of the instruction at `lasti`; -1 before the first one.
    pub fn instruction(&self, lasti: i32) -> i32 {
        let Ok(offset) = u32::try_from(lasti) else { return -1 };
        let start = self.starts.as_ref().map_or(offset, |starts| starts.of(offset));
        i32::try_from(start).unwrap_or(lasti)
    }

    /// Bytes that it takes in molt's memory, about: its tables, names, and entries in tables of code objects.
    pub fn bytes(&self) -> usize {
        const BESIDES: usize = size_of::<CodeObject>() + 512;
        let lines = self.lines.as_ref().map_or(0, |lines| lines.bytes.len());
        let starts = self.starts.as_ref().map_or(0, Starts::bytes);
        BESIDES + lines + starts + self.code.as_ref().map_or(0, |code| code.len())
    }

    /// The fields that could not be read, by their names in CPython, and why.
    pub fn missing(&self) -> impl Iterator<Item = (&'static str, Unknown)> {
        [
            ("co_name", self.name.as_ref().err()),
            ("co_qualname", self.qualname.as_ref().err().filter(|reason| **reason != Unknown::NotInVersion)),
            ("__name__", self.module.as_ref().err()),
            ("co_filename", self.filename.as_ref().err()),
            ("co_code", self.code_hash.as_ref().err()),
            ("co_linetable", self.lines.as_ref().err()),
        ]
        .into_iter()
        .filter_map(|(field, reason)| Some((field, *reason?)))
    }
}

/// Reads the code object at `addr`, which ran in the namespace at `globals`.
///
/// Fails only when the object's own head cannot be read or when it is no code object; every other loss stands
/// in the field that it befell.
pub fn read_code<M: Memory>(memory: &M, layout: &Layout, addr: u64, globals: u64) -> Known<CodeObject> {
    let objects = Objects::new(memory, layout);
    if !objects.is_a(addr, "code")? {
        return Err(Unknown::WrongType);
    }
    if objects.is_freed(addr)? {
        return Err(Unknown::Stale);
    }
    let head = objects.head(addr, head_bytes(layout))?;
    let identity = read_identity(memory, layout, addr)?;
    let text = |at| head.u64(at).and_then(|addr| objects.str(addr));
    let (argcount, kwonlyargcount) = (head.u32(layout.code_argcount)?, head.u32(layout.code_kwonlyargcount)?);
    let first_line = head.u32(layout.code_firstlineno)?.cast_signed();
    let code = read_co_code(&objects, addr, &head).map(Vec::into_boxed_slice);
    let parameters = u64::from(argcount) + u64::from(kwonlyargcount);
    let object = CodeObject {
        identity,
        name: text(layout.code_name),
        qualname: text(layout.code_qualname),
        module: objects.namespace_name(globals),
        filename: text(layout.code_filename),
        first_parameter: read_first_parameter(&objects, &head, parameters),
        first_line,
        flags: head.u32(layout.code_flags)?,
        argcount,
        posonlyargcount: head.u32(layout.code_posonlyargcount)?,
        kwonlyargcount,
        first_traceable: head.u32(layout.code_firsttraceable).map_or(0, |units| units.saturating_mul(2)),
        starts: Opcodes::of(layout.minor).zip(code.as_ref().ok()).map(|(opcodes, code)| opcodes.starts(code)),
        code_hash: code.as_ref().map(|code| Sha256::digest(code).into()).map_err(|reason| *reason),
        stored_globals: code.as_ref().map_or_else(|_| Vec::new(), |code| read_stored(&objects, &head, code)),
        code,
        lines: read_lines(&objects, &head, layout.minor, first_line),
        minor: layout.minor,
    };
    // The program runs on while it is read. What was freed meanwhile may have been read half from its
    // successor, so everything above counts only if the code object is still there.
    memory.forget();
    if objects.is_freed(addr)? || read_identity(memory, layout, addr)? != identity {
        return Err(Unknown::Stale);
    }
    Ok(object)
}

/// The identity as the kernel side reads it.
fn read_identity<M: Memory>(memory: &M, layout: &Layout, addr: u64) -> Known<u64> {
    Ok(code::read_identity(memory, &layout.walk(), addr, &mut <Block>::new())?)
}

/// Bytes of the head with every field of the layout.
fn head_bytes(layout: &Layout) -> u32 {
    [
        layout.code_name,
        layout.code_qualname,
        layout.code_linetable,
        layout.code_names,
        layout.code_monitoring,
        layout.code_executors,
        layout.code_firsttraceable,
    ]
    .into_iter()
    .filter(|at| *at != ABSENT)
    .fold(0, u32::max)
    .saturating_add(8)
}

fn read_first_parameter<M: Memory>(objects: &Objects<'_, M>, head: &Head, parameters: u64) -> Known<Text> {
    if parameters == 0 {
        return Err(Unknown::Absent);
    }
    let names = head.u64(objects.layout.code_varnames)?;
    objects.str(objects.u64(names, objects.layout.tuple_items)?)
}

fn read_lines<M: Memory>(
    objects: &Objects<'_, M>,
    head: &Head,
    minor: u8,
    first_line: i32,
) -> Known<LineTable> {
    let bytes = objects.bytes(head.u64(objects.layout.code_linetable)?, MAX_LINE_TABLE_BYTES)?;
    Ok(LineTable { bytes: bytes.into(), first_line, minor })
}

/// `co_code`, as Python itself would return it.
fn read_co_code<M: Memory>(objects: &Objects<'_, M>, addr: u64, head: &Head) -> Known<Vec<u8>> {
    let layout = objects.layout;
    let size = head.u64(layout.code_size)?;
    let Some(opcodes) = Opcodes::of(layout.minor) else {
        return objects.bytes(size, MAX_CODE_BYTES);
    };
    let units = usize::try_from(size).ok().ok_or(Unknown::TooLong)?;
    let bytes = units.checked_mul(2).ok_or(Unknown::TooLong)?;
    let first = addr.wrapping_add(u64::from(layout.code_adaptive));
    let mut code = objects.bytes_at(first, bytes, MAX_CODE_BYTES)?;
    let moved = read_moved(objects, head, units)?;
    opcodes.restore(&mut code, &moved, |index| read_executor(objects, head, index))?;
    Ok(code)
}

/// The opcodes that instrumentation has moved to `_co_monitoring`.
fn read_moved<M: Memory>(objects: &Objects<'_, M>, head: &Head, units: usize) -> Known<Moved> {
    let layout = objects.layout;
    let mut moved = Moved::default();
    let monitoring = head.u64(layout.code_monitoring).unwrap_or(0);
    if monitoring == 0 {
        return Ok(moved);
    }
    let lines = objects.u64(monitoring, layout.monitoring_lines)?;
    if lines != 0 {
        let header = layout.lines_entry_bytes;
        let (entries, width) = if header == ABSENT {
            (lines, 2)
        } else {
            let width = objects.head(lines, header.saturating_add(1))?.u8(header)?;
            (lines.wrapping_add(u64::from(header) + 1), width)
        };
        if width == 0 || width > MAX_LINE_ENTRY_BYTES {
            return Err(Unknown::Malformed);
        }
        let width = usize::from(width);
        let bytes = objects.bytes_at(entries, units.saturating_mul(width), MAX_CODE_BYTES * 4)?;
        moved.lines = Some((bytes, width));
    }
    let instructions = objects.u64(monitoring, layout.monitoring_instructions)?;
    if instructions != 0 {
        moved.instructions = Some(objects.bytes_at(instructions, units, MAX_CODE_BYTES)?);
    }
    Ok(moved)
}

/// Most names of globals that one piece of code is said to store.
const MAX_STORED: usize = 256;

/// `STORE_GLOBAL` and `DELETE_GLOBAL` of 3.8 to 3.10 (`Include/opcode.h`), which have no table.
const OLD_STORES: [u8; 2] = [97, 98];
/// `EXTENDED_ARG` there.
const OLD_EXTENDED_ARG: u8 = 144;

/// The names of the globals that `code` sets or deletes.
fn read_stored<M: Memory>(objects: &Objects<'_, M>, head: &Head, code: &[u8]) -> Vec<String> {
    let opcodes = Opcodes::of(objects.layout.minor);
    let stores = opcodes.map_or(OLD_STORES, Opcodes::stores_of_globals);
    let extended = opcodes.map_or(OLD_EXTENDED_ARG, Opcodes::extended_arg);
    let mut indices = BTreeSet::new();
    let mut high = 0_u64;
    for [opcode, argument] in code.as_chunks().0 {
        let argument = high << 8 | u64::from(*argument);
        high = if *opcode == extended { argument & 0xff_ffff } else { 0 };
        if stores.contains(opcode) && indices.len() < MAX_STORED {
            indices.insert(argument);
        }
    }
    if indices.is_empty() {
        return Vec::new();
    }
    let Ok(names) = head.u64(objects.layout.code_names).and_then(|names| objects.items(names)) else {
        return Vec::new();
    };
    let name = |index: u64| objects.str(*names.get(usize::try_from(index).ok()?)?).ok();
    indices.into_iter().filter_map(name).map(|name| name.value).collect()
}

/// Opcode and argument that the executor `index` replaced.
fn read_executor<M: Memory>(objects: &Objects<'_, M>, head: &Head, index: u8) -> Known<(u8, u8)> {
    let layout = objects.layout;
    let array = head.u64(layout.code_executors)?;
    let slot = array.wrapping_add(u64::from(index) * 8);
    let executor = objects.u64(slot, layout.executors_items)?;
    let data = executor.wrapping_add(u64::from(layout.executor_vm_data));
    let head = objects.head(data, layout.vm_data_opcode.max(layout.vm_data_oparg).saturating_add(1))?;
    Ok((head.u8(layout.vm_data_opcode)?, head.u8(layout.vm_data_oparg)?))
}
