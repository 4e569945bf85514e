//! How to read one Python process: its layout, its memory, its sources, and what was read already.

use super::callees::Callees;
use super::classes::Classes;
use super::look::Looks;
use super::texts::Texts;
use crate::aggregate::entrypoint::{Entry, parse};
use crate::aggregate::modules;
use crate::aggregate::tally::CodeId;
use crate::cpython::Known;
use crate::cpython::calls::call_layout;
use crate::cpython::debug_offsets::{LayoutError, layout_of};
use crate::cpython::layout::Layout;
use crate::cpython::thread_key::thread_key;
use crate::discover::{Interpreter, Libc, Process};
use crate::symbolize::cache::{CodeCache, Identified};
use crate::symbolize::code::CodeObject;
use crate::symbolize::functions::Budget;
use crate::symbolize::memory::ProcessMemory;
use crate::symbolize::modules::{ImportPaths, Module};
use crate::symbolize::paths::Roots;
use molt_common::call::CallLayout;
use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{ModuleKind, SymbolKind};
use std::path::Path;
use std::sync::OnceLock;

/// How to read a Python process.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) process: Process,
    pub(super) interpreter: Interpreter,
    pub(super) layout: Layout,
    /// How its calls are read: to find that out takes a search through the file's symbols.
    pub(super) calls: CallLayout,
    pub(super) memory: ProcessMemory,
    /// Its sources.
    pub(super) texts: Texts,
    pub(super) codes: CodeCache<SeenCode>,
    /// Calls of what has no Python code that samples have met.
    pub(super) callees: Callees,
    /// How much of the memory may still be searched for names.
    pub(super) budget: Budget,
    /// What is known of its classes.
    pub(super) classes: Classes,
    /// Modules whose source is still to be hashed, and their files.
    unhashed: Vec<(String, String)>,
    /// What looks at it know, and when the next one is due.
    pub(super) looks: Looks,
}

/// A code object that was read.
#[derive(Debug)]
pub(super) struct SeenCode {
    /// What it counts under, once it is named; not known of the interpreter's own shims, which have no module.
    pub(super) id: OnceLock<Known<CodeId>>,
    /// Of the code object and the globals that it ran in.
    pub(super) identity: u64,
    pub(super) object: CodeObject,
}

impl Identified for SeenCode {
    fn identity(&self) -> u64 {
        self.identity
    }

    fn bytes(&self) -> usize {
        self.object.bytes()
    }
}

impl Reader {
    /// A reader of process `pid`, which runs `interpreter`.
    pub(super) fn new(process: Process, interpreter: Interpreter, now_ns: u64) -> Result<Self, LayoutError> {
        let memory = ProcessMemory::new(process.pid);
        let checked = layout_of(&memory, interpreter.build.version, interpreter.runtime())?;
        for difference in &checked.differences {
            tracing::info!(?difference, "the interpreter's own offset differs from the table");
        }
        Ok(Self {
            texts: Texts::new(&process, &interpreter),
            process,
            calls: call_layout(&checked.layout, &interpreter),
            interpreter,
            layout: checked.layout,
            memory,
            codes: CodeCache::default(),
            callees: Callees::default(),
            budget: Budget::default(),
            classes: Classes::default(),
            unhashed: Vec::new(),
            looks: Looks::new(now_ns),
        })
    }

    /// A reader of the copy that `fork` has made of the process: what was read holds for both.
    pub(super) fn fork(&self, pid: u32) -> Self {
        let process = Process { pid: pid.cast_signed(), ..self.process.clone() };
        Self {
            texts: self.texts.fork(&process, &self.interpreter),
            process,
            interpreter: self.interpreter.clone(),
            layout: self.layout,
            calls: self.calls,
            memory: ProcessMemory::new(pid.cast_signed()),
            codes: self.codes.clone(),
            callees: self.callees.clone(),
            budget: Budget::default(),
            classes: Classes::default(),
            unhashed: Vec::new(),
            looks: self.looks.clone(),
        }
    }

    /// glibc's key for thread states, where the version and the library have one and it has been made.
    pub(super) fn tss_key(&self) -> Option<u32> {
        if !matches!(self.interpreter.libc, Libc::Glibc { .. }) {
            return None;
        }
        thread_key(&self.memory, &self.layout, self.interpreter.runtime())
    }

    /// The import roots as far as they are known without a look.
    pub(super) fn script_roots(&self) -> Roots {
        self.roots(ImportPaths::default())
    }

    /// The import roots of `paths`, and the folder of the script: `-I` and `-P` keep it out of `sys.path`,
    /// but the program is no less the program's.
    pub(super) fn roots(&self, mut paths: ImportPaths) -> Roots {
        let command: Vec<String> =
            self.process.command.iter().map(|text| text.to_string_lossy().into_owned()).collect();
        if let Entry::Script(script) = parse(&command).entry
            && let Some(folder) = Path::new(&script).parent()
        {
            paths.path.push(folder.to_string_lossy().into_owned());
        }
        let cwd = self.process.cwd.as_deref().unwrap_or(Path::new("/"));
        Roots::new(&paths, self.layout.minor, &cwd.to_string_lossy())
    }

    /// Notes a module that a look has found. Its source is hashed later: a process may be waiting for the look
    /// to be over.
    pub(super) fn note_module(&mut self, module: Module, modules: &mut modules::Modules) {
        let name = module.name.value;
        if name.is_empty() || (modules.has_file(&name) && module.replaced_by.is_none()) {
            return;
        }
        let file = module.file.ok().map(|file| file.value);
        let replaced_by = module.replaced_by;
        if let Some(file) = file.clone().filter(|_| matches!(module.kind, None | Some(ModuleKind::Py))) {
            self.unhashed.push((name.clone(), file));
        }
        modules
            .note(&name, modules::ModuleFacts { kind: module.kind, file, source_sha256: None, replaced_by });
    }

    /// The file of the program's main module, by the code of its body: the module itself has its `__file__` only as
    /// long as that runs (`_PyRun_SimpleFile`, `Python/pythonrun.c`).
    fn main_file(&self) -> Option<String> {
        let mut bodies = self.codes.known().map(|seen| &seen.object).filter(|code| {
            let is_main = code.module.as_ref().is_ok_and(|module| module.value == "__main__");
            is_main && code.kind(None) == SymbolKind::Module
        });
        let file = |code: &CodeObject| Some(code.filename.as_ref().ok()?.value.clone());
        bodies.find_map(file).filter(|file| !file.starts_with('<'))
    }

    /// Hashes the sources of the modules that were noted.
    pub(super) fn hash_sources(&mut self, modules: &mut modules::Modules) {
        if modules.lacks_file("__main__")
            && let Some(file) = self.main_file()
        {
            self.unhashed.push(("__main__".to_owned(), file.clone()));
            modules.note("__main__", modules::ModuleFacts::of_source(file, None));
        }
        for (name, file) in std::mem::take(&mut self.unhashed) {
            if let Some(source) = self.texts.get(&file) {
                let source_sha256 = Some(Sha256Hash::from_bytes(source.sha256()));
                modules.note(&name, modules::ModuleFacts::of_source(file, source_sha256));
            }
        }
    }

    /// What was lost while reading, by cause.
    pub(super) fn losses(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.codes.counts();
        let codes = [("reused_code_address", counts.reused), ("evicted_code", counts.evicted)];
        codes.into_iter().chain(self.memory.failures().by_cause()).chain(self.looks.losses())
    }
}
