//! `sys.modules`, `sys.path` and the prefixes of an interpreter.

use crate::cpython::layout::Layout;
use crate::cpython::object::{Objects, TYPE_SUBCLASS};
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use molt_common::walk::Memory;
use molt_mpa::model::ModuleKind;

/// Most modules listed: the largest programs have a few thousand.
pub const MAX_MODULES: usize = 20_000;
/// Most entries of `sys.path` used.
pub const MAX_PATH_ENTRIES: usize = 1000;
/// Most interpreters of a process looked at.
const MAX_INTERPRETERS: usize = 256;

/// An entry of `sys.modules`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its key.
    pub name: Text,
    /// `__file__`; [`Unknown::Absent`] where there is none.
    pub file: Known<Text>,
    /// Where its code comes from; `None` for a module that the program made by hand.
    pub kind: Option<ModuleKind>,
}

/// What was found in `sys.modules`, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modules {
    /// The modules.
    pub modules: Vec<Module>,
    /// Entries whose key is no str or whose value is no module: the program put them there.
    pub skipped: usize,
    /// Entries that could not be read.
    pub unread: usize,
    /// Whether there are more than [`MAX_MODULES`].
    pub cut: bool,
}

/// What relative paths and origins are derived from. Strings are as Python has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPaths {
    /// `sys.path`, its str entries.
    pub path: Vec<String>,
    /// `sys.base_prefix` and `sys.base_exec_prefix`, where the standard library is.
    pub base_prefixes: Vec<String>,
    /// `sys._stdlib_dir`, from 3.11 on.
    pub stdlib: Option<String>,
}

/// The main interpreter of the runtime at `runtime`: the one that was made first stands last in the list.
pub fn main_interpreter<M: Memory>(memory: &M, layout: &Layout, runtime: u64) -> Known<u64> {
    let objects = Objects::new(memory, layout);
    let mut interp = objects.u64(runtime, layout.runtime_interpreters_head)?;
    for _ in 0..MAX_INTERPRETERS {
        match objects.u64(interp, layout.interp_next)? {
            0 => return Ok(interp),
            next => interp = next,
        }
    }
    Err(Unknown::TooLong)
}

/// Reads `sys.modules` of the interpreter at `interp`.
pub fn read_modules<M: Memory>(memory: &M, layout: &Layout, interp: u64) -> Known<Modules> {
    let objects = Objects::new(memory, layout);
    let items = objects.dict_items(objects.u64(interp, layout.interp_modules)?)?;
    let mut found = Modules { cut: items.len() > MAX_MODULES, ..Modules::default() };
    for (key, value) in items.into_iter().take(MAX_MODULES) {
        match read_module(&objects, key, value) {
            Ok(module) => found.modules.push(module),
            Err(Unknown::WrongType) => found.skipped += 1,
            Err(_) => found.unread += 1,
        }
    }
    Ok(found)
}

/// Reads `sys.path` and the prefixes of the interpreter at `interp`.
pub fn read_import_paths<M: Memory>(memory: &M, layout: &Layout, interp: u64) -> Known<ImportPaths> {
    let objects = Objects::new(memory, layout);
    let sys = objects.u64(interp, layout.interp_sysdict)?;
    let text = |name| objects.str(objects.dict_get(sys, name)?).map(|text| text.value);
    let path = objects.items(objects.dict_get(sys, "path")?)?;
    let strings = path.into_iter().take(MAX_PATH_ENTRIES).filter_map(|entry| objects.str(entry).ok());
    Ok(ImportPaths {
        path: strings.map(|text| text.value).collect(),
        base_prefixes: ["base_prefix", "base_exec_prefix"]
            .into_iter()
            .filter_map(|name| text(name).ok())
            .collect(),
        stdlib: text("_stdlib_dir").ok(),
    })
}

fn read_module<M: Memory>(objects: &Objects<'_, M>, key: u64, value: u64) -> Known<Module> {
    let name = objects.str(key)?;
    if !objects.is_derived_from(value, "module")? {
        return Err(Unknown::WrongType);
    }
    let namespace = objects.dict_items(objects.u64(value, objects.layout.module_dict)?)?;
    let (mut file, mut loader, mut has_path) = (Err(Unknown::Absent), None, false);
    for (key, value) in ends(&namespace) {
        match import_name(objects, *key).as_deref() {
            Some("__file__") => file = objects.str(*value),
            Some("__loader__") => loader = loader_kind(objects, *value),
            Some("__path__") => has_path = true,
            _ => {}
        }
        if file.is_ok() && loader.is_some() {
            break;
        }
    }
    // The main module of `-c` and of the prompt has the loader of builtin modules, and is none.
    let kind = match (name.value.as_str(), &file) {
        ("__main__", Err(_)) => Some(ModuleKind::Py),
        _ => loader.or_else(|| kind_by_file(file.as_ref().ok(), has_path)),
    };
    // A namespace package of 3.8 has `__file__` = None.
    let file = file.map_err(|reason| if reason == Unknown::WrongType { Unknown::Absent } else { reason });
    Ok(Module { name, file, kind })
}

/// Entries at each end of a module's namespace that are searched for what the import system wrote: it does so
/// first, or, for its own modules, last. In between a program may have thousands of names.
const IMPORT_NAMES: usize = 64;

fn ends(namespace: &[(u64, u64)]) -> impl Iterator<Item = &(u64, u64)> {
    let (first, rest) = namespace.split_at(namespace.len().min(IMPORT_NAMES));
    first.iter().chain(rest.iter().rev().take(IMPORT_NAMES))
}

/// The str at `addr` if it is as long as one of the import system's names, which costs one read to find out.
fn import_name<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Option<String> {
    let length = objects.u64(addr, objects.layout.str_length).ok()?;
    let fits = ["__file__", "__loader__"].iter().any(|name| name.len() as u64 == length);
    fits.then(|| objects.str(addr).ok()).flatten().map(|name| name.value)
}

/// What the loader at `addr` loads. The loaders of builtin and frozen modules are classes, not instances
/// (`Lib/importlib/_bootstrap.py`).
fn loader_kind<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Option<ModuleKind> {
    if objects.type_flags(addr).ok()? & TYPE_SUBCLASS != 0 {
        let named = |name| objects.is_type_named(addr, name) == Ok(true);
        return match () {
            () if named("BuiltinImporter") => Some(ModuleKind::Builtin),
            () if named("FrozenImporter") => Some(ModuleKind::Frozen),
            () => None,
        };
    }
    let is = |name| objects.is_a(addr, name) == Ok(true);
    match () {
        () if is("SourceFileLoader") || is("SourcelessFileLoader") || is("zipimporter") => {
            Some(ModuleKind::Py)
        }
        () if is("ExtensionFileLoader") => Some(ModuleKind::Extension),
        () if is("NamespaceLoader") || is("_NamespaceLoader") => Some(ModuleKind::Namespace),
        () => None,
    }
}

/// For loaders that are not Python's own.
fn kind_by_file(file: Option<&Text>, has_path: bool) -> Option<ModuleKind> {
    match file {
        Some(file) if file.value.ends_with(".so") => Some(ModuleKind::Extension),
        Some(_) => Some(ModuleKind::Py),
        None if has_path => Some(ModuleKind::Namespace),
        None => None,
    }
}
