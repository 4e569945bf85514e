//! The qualified name of a code object, out of the functions in the target's memory: for versions whose code
//! objects have none, where there is no source to derive it from.
//!
//! A function has it as `__qualname__`. Code inside the code of a function or of a module that still runs is
//! named as the compiler names it.

use super::kind::kind_of;
use crate::cpython::Known;
use crate::cpython::object::{Objects, TYPE_SUBCLASS};
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;
use molt_common::walk::ty::HEAP_TYPE;
use molt_mpa::model::SymbolKind;
use std::collections::{HashMap, HashSet};

/// Most objects looked at for one name: the largest namespaces have some 2,000 entries.
const MAX_OBJECTS: usize = 4096;
/// Most objects looked at for all names of a process, which takes about a second: a program that makes code
/// all the time must not keep the reader from its samples.
const MAX_ALL_OBJECTS: usize = 1 << 19;
/// Most entries at each end of a namespace.
const MAX_ENTRIES: u64 = 1024;
/// Longest name, in bytes, given to code inside which more is looked for.
const MAX_QUALNAME: usize = 1024;

/// `co_name` of a module's own code.
const MODULE: &str = "<module>";

/// How much may still be searched of one process.
#[derive(Clone, Copy, Debug)]
pub struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_ALL_OBJECTS)
    }
}

/// The code object whose name is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its address.
    pub code: u64,
    /// The namespace that it ran in.
    pub globals: u64,
    /// Code that had called it in the same namespace, the outermost first. A module that still runs is there.
    pub callers: &'a [u64],
    /// `co_name`.
    pub name: &'a str,
}

/// The qualified name of a code object, from the functions that its namespace leads to and from its module, if
/// that is among its callers; `None` when none of them has it, and always from 3.11 on.
pub fn find_qualname<M: Memory>(
    objects: &Objects<'_, M>,
    wanted: Wanted<'_>,
    budget: &mut Budget,
) -> Option<String> {
    if objects.layout.function_code == ABSENT {
        return None;
    }
    let file = objects.u64(wanted.code, objects.layout.code_filename).ok()?;
    let left = budget.0.min(MAX_OBJECTS);
    let mut search = Search { objects, wanted, file, left, kinds: HashMap::new(), outer: Vec::new() };
    let found = search.namespaces().or_else(|| {
        search.module();
        search.nested()
    });
    budget.0 -= left - search.left;
    found
}

/// What an object is to the search.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Function,
    Class,
    Code,
    /// An object that holds functions, in these fields.
    Holder([u32; 3]),
    Other,
}

struct Search<'a, M: Memory> {
    objects: &'a Objects<'a, M>,
    wanted: Wanted<'a>,
    /// Its `co_filename`, one object for all code that was compiled together.
    file: u64,
    /// Objects that may still be looked at.
    left: usize,
    /// By address of the type.
    kinds: HashMap<u64, Kind>,
    /// Code of the same file, with its qualified name, whose constants were not looked at.
    outer: Vec<(u64, String)>,
}

impl<M: Memory> Search<'_, M> {
    /// Looks at the functions in a module's namespace, then at those in its classes.
    fn namespaces(&mut self) -> Option<String> {
        let mut classes = Vec::new();
        for (_, value) in self.objects.namespace_ends(self.wanted.globals, MAX_ENTRIES).ok()? {
            if matches!(self.kind(value), Kind::Class) {
                // All classes with Python functions are made at run time.
                let is_heap = self.objects.flags_of_type(value).is_ok_and(|flags| flags & HEAP_TYPE != 0);
                classes.extend(is_heap.then_some(value));
            } else if let Some(found) = self.functions(value) {
                return Some(found);
            }
        }
        for class in classes {
            if self.left == 0 {
                return None;
            }
            let dict = self.objects.u64(class, self.objects.layout.type_dict);
            let entries = dict.and_then(|dict| self.objects.namespace_ends(dict, MAX_ENTRIES));
            let found = entries.unwrap_or_default().into_iter().find_map(|(_, value)| self.functions(value));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Looks at a function, or at those that an object holds.
    fn functions(&mut self, addr: u64) -> Option<String> {
        match self.kind(addr) {
            Kind::Function => self.function(addr),
            Kind::Holder(fields) => fields.into_iter().find_map(|field| {
                let held = self.objects.u64(addr, field).ok().filter(|held| *held != 0)?;
                matches!(self.kind(held), Kind::Function).then(|| self.function(held)).flatten()
            }),
            Kind::Class | Kind::Code | Kind::Other => None,
        }
    }

    /// The function's qualified name if the code is its own; otherwise notes its code.
    fn function(&mut self, addr: u64) -> Option<String> {
        let layout = self.objects.layout;
        let code = self.objects.u64(addr, layout.function_code).ok()?;
        let is_it = code == self.wanted.code;
        if !is_it && self.objects.u64(code, layout.code_filename) != Ok(self.file) {
            return None;
        }
        let own = self.objects.u64(addr, layout.function_qualname).and_then(|addr| self.objects.str(addr));
        let qualname = own.ok()?.value;
        let name =
            if is_it { self.wanted.name.to_owned() } else { self.text(code, layout.code_name).ok()? };
        // A wrapper bears the name of what it wraps.
        if !is_name_of(&qualname, &name) {
            return None;
        }
        if is_it {
            return Some(qualname);
        }
        self.outer.push((code, qualname));
        None
    }

    /// Notes the module's code if that is among the callers.
    fn module(&mut self) {
        let layout = self.objects.layout;
        let is_here = |code: &&u64| self.objects.u64(**code, layout.code_filename) == Ok(self.file);
        if let Some(code) = self.wanted.callers.iter().find(is_here)
            && let Ok(name) = self.text(*code, layout.code_name)
            && name == MODULE
        {
            self.outer.push((*code, name));
        }
    }

    /// Looks at the code inside the code that was noted.
    fn nested(&mut self) -> Option<String> {
        let layout = self.objects.layout;
        // One that was declared global is no part of the function that made it.
        let functions: HashSet<u64> = self.outer.iter().map(|(code, _)| *code).collect();
        while let Some((outer, qualname)) = self.outer.pop().filter(|_| self.left > 0) {
            let consts =
                self.objects.u64(outer, layout.code_consts).and_then(|consts| self.objects.items(consts));
            let inner: Vec<u64> = consts
                .unwrap_or_default()
                .into_iter()
                .filter(|item| matches!(self.kind(*item), Kind::Code))
                .collect();
            if inner.is_empty() {
                continue;
            }
            let Ok(prefix) = self.prefix(outer, &qualname) else { continue };
            if inner.contains(&self.wanted.code) {
                return Some(format!("{prefix}{}", self.wanted.name));
            }
            for code in inner.into_iter().filter(|code| !functions.contains(code)) {
                if let Ok(name) = self.text(code, layout.code_name)
                    && prefix.len() + name.len() <= MAX_QUALNAME
                {
                    self.outer.push((code, format!("{prefix}{name}")));
                }
            }
        }
        None
    }

    /// What the compiler puts before the names inside `code` (`compiler_set_qualname` in `Python/compile.c`, 3.8
    /// to 3.10), but for functions that are declared global there: those are in the namespace itself.
    fn prefix(&self, code: u64, qualname: &str) -> Known<String> {
        let flags = self.objects.head(code, self.objects.layout.code_flags.saturating_add(4))?;
        let name = self.text(code, self.objects.layout.code_name)?;
        Ok(match kind_of(flags.u32(self.objects.layout.code_flags)?, &name, Some(qualname), None) {
            SymbolKind::Module => String::new(),
            SymbolKind::ClassBody | SymbolKind::Comprehension => format!("{qualname}."),
            _ => format!("{qualname}.<locals>."),
        })
    }

    fn text(&self, addr: u64, at: u32) -> Known<String> {
        Ok(self.objects.str(self.objects.u64(addr, at)?)?.value)
    }

    /// What the object at `addr` is; nothing of interest once the search has taken long enough.
    fn kind(&mut self, addr: u64) -> Kind {
        let Some(left) = self.left.checked_sub(1) else { return Kind::Other };
        self.left = left;
        let Ok(class) = self.objects.u64(addr, self.objects.layout.object_type) else { return Kind::Other };
        if let Some(known) = self.kinds.get(&class) {
            return *known;
        }
        let kind = self.kind_of_instances(class).unwrap_or(Kind::Other);
        self.kinds.insert(class, kind);
        kind
    }

    /// What instances of `class` are.
    fn kind_of_instances(&self, class: u64) -> Known<Kind> {
        let layout = self.objects.layout;
        if self.objects.flags_of_type(class)? & TYPE_SUBCLASS != 0 {
            return Ok(Kind::Class);
        }
        for (name, kind) in [
            ("function", Kind::Function),
            ("code", Kind::Code),
            ("staticmethod", Kind::Holder([layout.staticmethod_callable, ABSENT, ABSENT])),
            ("classmethod", Kind::Holder([layout.classmethod_callable, ABSENT, ABSENT])),
            ("property", Kind::Holder([layout.property_get, layout.property_set, layout.property_del])),
        ] {
            if self.objects.is_type_named(class, name)? {
                return Ok(kind);
            }
        }
        Ok(Kind::Other)
    }
}

/// Whether a qualified name ends in `name`.
fn is_name_of(qualname: &str, name: &str) -> bool {
    qualname.strip_suffix(name).is_some_and(|parent| parent.is_empty() || parent.ends_with('.'))
}
