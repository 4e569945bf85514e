//! What a frame calls that has no Python code: a function or method written in C, or a class.
//!
//! Such a call makes no frame. While it runs, the callable lies on the stack of the frame that calls, among other
//! values and what is left of earlier ones. The code tells the name by which it was loaded: it is the callable if it
//! goes by that name.

use super::code::CodeObject;
use super::types::read_type_name;
use crate::cpython::layout::Layout;
use crate::cpython::object::{Objects, TYPE_SUBCLASS};
use crate::cpython::opcode::{Load, Opcodes};
use crate::cpython::text::{Text, read_c_text};
use crate::cpython::{Known, Unknown};
use molt_common::walk::{Memory, checked};
use molt_mpa::model::TargetKind;

/// A callable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Callee {
    /// `module.qualname`, of builtins the qualified name alone.
    pub symbol: String,
    /// What it is.
    pub kind: TargetKind,
}

/// A callable that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub addr: u64,
    /// What it is.
    pub callee: Callee,
}

/// By which name the callable is loaded that the call at `offset` calls; `None` where no instruction does that, or where
/// the code has no columns to tell which one does.
///
/// The expression that gives the callable begins where the call begins, and of those that do it is the longest. Its
/// last instruction is the one that pushes it.
pub fn loaded_by(code: &CodeObject, offset: u32) -> Option<Load> {
    let (opcodes, lines) = (Opcodes::of(code.minor)?, code.lines.as_ref().ok()?);
    let call = lines.position(i32::try_from(offset).ok()?)?;
    let (start, end) = ((call.line, call.col?), (call.end_line?, call.end_col?));
    let mut places = lines.places();
    let (mut until, mut place) = (0, None);
    let mut longest = None;
    for instruction in opcodes.instructions(code.code.as_ref().ok()?) {
        if instruction.offset >= offset {
            let is_call = instruction.offset == offset && opcodes.is_call(instruction.opcode);
            return longest.filter(|_| is_call).and_then(|(_, found)| opcodes.load(found));
        }
        while until <= u64::from(instruction.offset) {
            (until, place) = places.next()?;
        }
        let Some(place) = place else { continue };
        let (Some(col), Some(end_line), Some(end_col)) = (place.col, place.end_line, place.end_col) else {
            continue;
        };
        let here = (end_line, end_col);
        if (place.line, col) == start
            && here < end
            && !opcodes.is_beside_callable(instruction.opcode)
            && longest.is_none_or(|(known, _)| known <= here)
        {
            longest = Some((here, instruction));
        }
    }
    None
}

/// The callable among `values`, the lowest of a frame's stack, that goes by `name`; or, when `name` is that of a global,
/// the object that it stands for.
pub fn find_callee<M: Memory>(
    objects: &Objects<'_, M>,
    values: &[u64],
    name: &str,
    global: impl FnOnce() -> Known<u64>,
) -> Option<Found> {
    let values = || values.iter().filter_map(|value| address(objects.layout, *value));
    let named = |addr| {
        let (own, callee) = describe(objects, addr).ok()?;
        (own == name).then_some(Found { addr, callee })
    };
    if let Some(found) = values().find_map(named) {
        return Some(found);
    }
    let addr = global().ok().filter(|global| values().any(|value| value == *global))?;
    let callee = match describe(objects, addr) {
        Ok((_, callee)) => callee,
        Err(_) => describe_object(objects, addr).ok()?,
    };
    Some(Found { addr, callee })
}

/// `Py_TPFLAGS_IMMUTABLETYPE` (`Include/object.h`, from 3.10): set in types that are written in C.
const IMMUTABLE_TYPE: u64 = 1 << 8;

/// A callable object of a class that is written in C, by the name of that class; an error for Python's own functions.
fn describe_object<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<Callee> {
    let kind = objects.u64(addr, objects.layout.object_type)?;
    let symbol = read_type_name(objects.memory, objects.layout, kind)?;
    if objects.flags_of_type(kind)? & IMMUTABLE_TYPE == 0 || matches!(symbol.as_str(), "function" | "method")
    {
        return Err(Unknown::WrongType);
    }
    Ok(Callee { symbol, kind: TargetKind::C })
}

/// The address in a slot, if there can be an object.
pub fn address(layout: &Layout, value: u64) -> Option<u64> {
    let value = value & !u64::from(layout.tag_bits);
    checked(value).ok().filter(|value| value % 8 == 0)
}

/// The name of the callable at `addr`, and what it is; an error where it is none that is known.
fn describe<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<(String, Callee)> {
    let layout = objects.layout;
    let kind = objects.u64(addr, layout.object_type)?;
    if objects.flags_of_type(kind)? & TYPE_SUBCLASS != 0 {
        let symbol = read_type_name(objects.memory, layout, addr)?;
        let own = symbol.rsplit('.').next().unwrap_or_default().to_owned();
        return Ok((own, Callee { symbol, kind: TargetKind::Class }));
    }
    // Behind the object's head, in `Include/cpython/methodobject.h` and `descrobject.h` of 3.8 to 3.15.
    let field = |index: u32| objects.u64(addr, layout.var_size.saturating_add(8 * index));
    let kind = read_c_text(objects, objects.u64(kind, layout.type_name)?)?.value;
    let (owner, own) = match kind.as_str() {
        // `m_ml`, whose first field is its name, `m_self`, `m_module`.
        "builtin_function_or_method" => {
            let own = read_c_text(objects, objects.u64(field(0)?, 0)?)?;
            (owner_of_function(objects, field(1)?, field(2)?)?, own)
        }
        // `d_type`, `d_name`.
        "method_descriptor" | "classmethod_descriptor" | "wrapper_descriptor" => {
            (Some(read_type_name(objects.memory, layout, field(0)?)?), objects.str(field(1)?)?)
        }
        _ => return Err(Unknown::WrongType),
    };
    let Text { value: own, .. } = own;
    let symbol = owner.map_or_else(|| own.clone(), |owner| format!("{owner}.{own}"));
    Ok((own, Callee { symbol, kind: TargetKind::Builtin }))
}

/// What stands before the name of a function that is bound to `bound`: a class, or a module unless it is `builtins`
/// (`meth_get__qualname__`, `Objects/methodobject.c`).
fn owner_of_function<M: Memory>(objects: &Objects<'_, M>, bound: u64, module: u64) -> Known<Option<String>> {
    if bound == 0 || objects.is_derived_from(bound, "module")? {
        let module = objects.str(module).ok().map(|module| module.value);
        return Ok(module.filter(|module| module != "builtins"));
    }
    let class =
        if objects.is_type(bound)? { bound } else { objects.u64(bound, objects.layout.object_type)? };
    read_type_name(objects.memory, objects.layout, class).map(Some)
}
