//! A type's name as the artifact has it.

use crate::cpython::object::Objects;
use crate::cpython::text::{Text, read_c_text};
use crate::cpython::{Known, Unknown};
use molt_common::walk::Memory;
use molt_common::walk::ty::HEAP_TYPE;

/// Stands for the module of a class that has none: Python's own `__module__` is missing, or no str.
const NO_MODULE: &str = "?";

/// A type's name and its module's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// `__module__`; [`Unknown::Absent`] when the class has none, or one that is no str.
    pub module: Known<Text>,
    /// `__qualname__`.
    pub qualname: Known<Text>,
}

impl TypeName {
    /// A name of which nothing could be read.
    pub(super) fn unknown(reason: Unknown) -> TypeName {
        TypeName { module: Err(reason), qualname: Err(reason) }
    }

    /// `module.qualname`, for builtins the qualified name alone, for a class without a module `?.qualname`.
    pub fn text(&self) -> Known<String> {
        let qualname = self.qualname.as_ref().map_err(|reason| *reason)?.value.as_str();
        match &self.module {
            Ok(module) if module.value == "builtins" => Ok(qualname.to_owned()),
            Ok(module) => Ok(format!("{}.{qualname}", module.value)),
            Err(Unknown::Absent) => Ok(format!("{NO_MODULE}.{qualname}")),
            Err(reason) => Err(*reason),
        }
    }

    /// Bytes of the texts.
    pub(super) fn bytes(&self) -> usize {
        [&self.module, &self.qualname].into_iter().flatten().map(|text| text.value.len()).sum()
    }
}

/// Reads the name of the type at `addr`, whose `tp_flags` are `flags`.
pub(super) fn read_name<M: Memory>(objects: &Objects<'_, M>, addr: u64, flags: u64) -> TypeName {
    let layout = objects.layout;
    if flags & HEAP_TYPE == 0 {
        return match read_c_name(objects, addr) {
            Ok((module, qualname)) => TypeName { module: Ok(module), qualname: Ok(qualname) },
            Err(reason) => TypeName::unknown(reason),
        };
    }
    let qualname = objects.u64(addr, layout.heap_type_qualname).and_then(|addr| objects.str(addr));
    TypeName { module: read_module(objects, addr), qualname }
}

/// `__module__` of the heap type at `addr`, which is an entry of its namespace (`type_module` in
/// `Objects/typeobject.c`). C types of early versions may have none; they name their module elsewhere.
fn read_module<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<Text> {
    let layout = objects.layout;
    let entry = objects.namespace_get(objects.u64(addr, layout.type_dict)?, "__module__");
    match entry.and_then(|value| objects.str(value)) {
        Err(Unknown::Absent) => {}
        // A property, or None.
        Err(Unknown::WrongType) => return Err(Unknown::Absent),
        read => return read,
    }
    match objects.u64(addr, layout.heap_type_module) {
        Ok(0) | Err(Unknown::NotInVersion) => {}
        module => return objects.namespace_name(objects.u64(module?, layout.module_dict)?),
    }
    // Without a dot the name has no module, and the type is none of the builtins.
    let (module, _) = read_c_name(objects, addr)?;
    if module.value == "builtins" { Err(Unknown::Absent) } else { Ok(module) }
}

/// Module and qualified name in `tp_name`: what stands before and after the last dot. Without a dot the module is
/// `builtins` (`type_module` in `Objects/typeobject.c`).
fn read_c_name<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<(Text, Text)> {
    let whole = read_c_text(objects, objects.u64(addr, objects.layout.type_name)?)?;
    let (module, qualname) = whole.value.rsplit_once('.').unwrap_or(("builtins", &whole.value));
    let part = |value: &str| Text { value: value.to_owned(), ..whole };
    Ok((part(module), part(qualname)))
}
