//! `sys.modules`, `sys.path` and the prefixes of an interpreter.

use super::types::{read_instance_value, read_type_name};
use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use molt_common::walk::Memory;
use molt_mpa::model::ModuleKind;
use std::path::Path;

/// Most modules listed: the largest programs have a few thousand.
pub const MAX_MODULES: usize = 20_000;
/// Most bytes of all their names and files: 400 for each.
const MAX_MODULE_TEXT: usize = 8 << 20;
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
    /// Where it is; `None` for an object that is no module.
    pub place: Option<ModulePlace>,
    /// The type of an object that the program put in the place of a module.
    pub replaced_by: Option<String>,
}

/// Where a module is in the target's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModulePlace {
    /// Its namespace, a dict.
    pub namespace: u64,
    /// Its `__spec__`; 0 where there is none.
    pub spec: u64,
}

/// An entry of `sys.modules` as it is: addresses of its key and of its value.
pub type Entry = (u64, u64);

/// What was found in `sys.modules`, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modules {
    /// The modules.
    pub modules: Vec<Module>,
    /// Entries whose key is no str: the program put them there.
    pub skipped: usize,
    /// Entries that could not be read.
    pub unread: usize,
    /// Whether there are more than molt lists.
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
    /// Strings among these that could not be read.
    pub unread: usize,
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
    let (entries, cut) = read_entries(memory, layout, interp)?;
    let mut found = Modules { cut, ..Modules::default() };
    let mut text = 0;
    for entry in entries {
        if text > MAX_MODULE_TEXT {
            found.cut = true;
            break;
        }
        match read_entry(memory, layout, entry) {
            Ok(module) => {
                text += module.text_bytes();
                found.modules.push(module);
            }
            Err(Unknown::WrongType) => found.skipped += 1,
            Err(_) => found.unread += 1,
        }
    }
    Ok(found)
}

/// The entries of `sys.modules` of the interpreter at `interp`, and whether there are more.
pub fn read_entries<M: Memory>(memory: &M, layout: &Layout, interp: u64) -> Known<(Vec<Entry>, bool)> {
    let objects = Objects::new(memory, layout);
    let start = objects.dict_start(objects.u64(interp, layout.interp_modules)?, MAX_MODULES)?;
    Ok((start.items, start.rest))
}

/// Whether a module is being imported, by its `__spec__` (`_load_unlocked` in `Lib/importlib/_bootstrap.py`).
pub fn is_initializing<M: Memory>(memory: &M, layout: &Layout, spec: u64) -> bool {
    let objects = Objects::new(memory, layout);
    let truth = read_instance_value(&objects, spec, "_initializing").and_then(|value| {
        // A bool is an int, whose first digit follows the word that tells its size
        // (`Include/cpython/longintrepr.h`, 3.8 to 3.15).
        objects.u64(value, layout.var_size.saturating_add(8))
    });
    truth.is_ok_and(|digit| digit & 0xffff_ffff == 1)
}

impl Module {
    /// Bytes of its names.
    pub fn text_bytes(&self) -> usize {
        self.name.value.len() + self.file.as_ref().map_or(0, |file| file.value.len())
    }
}

/// Reads `sys.path` and the prefixes of the interpreter at `interp`.
pub fn read_import_paths<M: Memory>(memory: &M, layout: &Layout, interp: u64) -> Known<ImportPaths> {
    let objects = Objects::new(memory, layout);
    let sys = objects.u64(interp, layout.interp_sysdict)?;
    let mut unread = 0;
    let mut text = |text: Known<Text>| {
        unread += usize::from(
            text.as_ref().is_err_and(|reason| !matches!(reason, Unknown::Absent | Unknown::WrongType)),
        );
        text.ok().map(|text| text.value)
    };
    let mut named = |name| text(objects.dict_get(sys, name).and_then(|value| objects.str(value)));
    let base_prefixes = ["base_prefix", "base_exec_prefix"].into_iter().filter_map(&mut named).collect();
    let stdlib = named("_stdlib_dir");
    let entries = objects.items(objects.dict_get(sys, "path")?)?;
    let path =
        entries.into_iter().take(MAX_PATH_ENTRIES).filter_map(|entry| text(objects.str(entry))).collect();
    Ok(ImportPaths { path, base_prefixes, stdlib, unread })
}

/// Reads an entry of `sys.modules`. [`Unknown::WrongType`] where its key is no str.
pub fn read_entry<M: Memory>(memory: &M, layout: &Layout, (key, value): Entry) -> Known<Module> {
    let objects = &Objects::new(memory, layout);
    let name = objects.str(key)?;
    let kind = objects.u64(value, layout.object_type)?;
    if objects.is_derived_from(value, "module") != Ok(true) {
        let replaced_by = Some(read_type_name(memory, layout, kind).map_err(|_reason| Unknown::Malformed)?);
        return Ok(Module { name, file: Err(Unknown::Absent), kind: None, place: None, replaced_by });
    }
    let namespace = objects.u64(value, layout.module_dict)?;
    let mut found = ImportNames { file: Err(Unknown::Absent), loader: Ok(None), spec: 0, has_path: false };
    for (key, value) in objects.namespace_ends(namespace, IMPORT_NAMES)? {
        if let Err(reason) = found.take(objects, key, value) {
            found.lose(reason);
        }
        if found.file.is_ok() && found.loader != Ok(None) && found.spec != 0 {
            break;
        }
    }
    let ImportNames { file, loader, spec, has_path } = found;
    // The main module of `-c` and of the prompt has the loader of builtin modules, and is none; as has that of a file
    // until it begins.
    let kind = match (name.value.as_str(), &file, loader) {
        ("__main__", Err(Unknown::Absent), _) | ("__main__", _, Ok(Some(ModuleKind::Builtin))) => {
            Some(ModuleKind::Py)
        }
        (_, _, Ok(Some(kind))) => Some(kind),
        (_, Ok(_) | Err(Unknown::Absent | Unknown::WrongType), Ok(None)) => {
            kind_by_file(file.as_ref().ok(), has_path)
        }
        _ => None,
    };
    // A namespace package of 3.8 has `__file__` = None.
    let file = file.map_err(|reason| if reason == Unknown::WrongType { Unknown::Absent } else { reason });
    Ok(Module { name, file, kind, place: Some(ModulePlace { namespace, spec }), replaced_by: None })
}

/// Entries at each end of a module's namespace that are searched for what the import system wrote: it does so
/// first, or, for its own modules, last. In between a program may have thousands of names.
const IMPORT_NAMES: u64 = 64;

/// What the import system has written into a module's namespace.
struct ImportNames {
    file: Known<Text>,
    loader: Known<Option<ModuleKind>>,
    /// 0 where there is none.
    spec: u64,
    has_path: bool,
}

impl ImportNames {
    /// Looks at one entry of the namespace.
    fn take<M: Memory>(&mut self, objects: &Objects<'_, M>, key: u64, value: u64) -> Known<()> {
        if objects.is_text(key, "__file__")? {
            self.file = objects.str(value);
        } else if objects.is_text(key, "__loader__")? {
            self.loader = loader_kind(objects, value);
        } else if objects.is_text(key, "__spec__")? {
            self.spec = value;
        } else if objects.is_text(key, "__path__")? {
            self.has_path = true;
        }
        Ok(())
    }

    /// A key could not be read: it may be any that was not found before.
    fn lose(&mut self, reason: Unknown) {
        if self.file == Err(Unknown::Absent) {
            self.file = Err(reason);
        }
        if self.loader == Ok(None) {
            self.loader = Err(reason);
        }
    }
}

/// What the loader at `addr` loads; `None` when it is not Python's own. The loaders of builtin and frozen
/// modules are classes, not instances (`Lib/importlib/_bootstrap.py`).
fn loader_kind<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<Option<ModuleKind>> {
    let is_class = objects.is_type(addr)?;
    let kind = if is_class { addr } else { objects.u64(addr, objects.layout.object_type)? };
    for (class, name, loads) in LOADERS {
        if *class == is_class && objects.is_type_named(kind, name)? {
            return Ok(Some(*loads));
        }
    }
    Ok(None)
}

/// Python's own loaders: whether the class itself is the loader, its name, and what it loads.
const LOADERS: &[(bool, &str, ModuleKind)] = &[
    (false, "SourceFileLoader", ModuleKind::Py),
    (false, "SourcelessFileLoader", ModuleKind::Py),
    (false, "zipimporter", ModuleKind::Py),
    (false, "ExtensionFileLoader", ModuleKind::Extension),
    (false, "NamespaceLoader", ModuleKind::Namespace),
    (false, "_NamespaceLoader", ModuleKind::Namespace),
    (true, "BuiltinImporter", ModuleKind::Builtin),
    (true, "FrozenImporter", ModuleKind::Frozen),
];

/// For loaders that are not Python's own.
fn kind_by_file(file: Option<&Text>, has_path: bool) -> Option<ModuleKind> {
    match file {
        Some(file) if Path::new(&file.value).extension() == Some("so".as_ref()) => {
            Some(ModuleKind::Extension)
        }
        Some(_) => Some(ModuleKind::Py),
        None if has_path => Some(ModuleKind::Namespace),
        None => None,
    }
}
