//! How to read one Python process: its layout, its memory, its sources, and what was read already.

use crate::aggregate::tally::CodeId;
use crate::cpython::Known;
use crate::cpython::debug_offsets::{LayoutError, layout_of};
use crate::cpython::layout::Layout;
use crate::discover::{Interpreter, Libc, Process};
use crate::symbolize::cache::CodeCache;
use crate::symbolize::code::CodeObject;
use crate::symbolize::memory::ProcessMemory;
use crate::symbolize::modules::{Modules, main_interpreter, read_import_paths, read_modules};
use crate::symbolize::paths::Roots;
use crate::symbolize::source::{self, Sources};
use molt_common::layout::ABSENT;
use molt_common::walk::Memory;
use molt_common::walk::thread::GLIBC_FIRST_BLOCK_KEYS;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How to read a Python process.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) process: Process,
    pub(super) interpreter: Interpreter,
    pub(super) layout: Layout,
    pub(super) memory: ProcessMemory,
    /// `None` where the process's root cannot be opened.
    pub(super) sources: Option<Sources>,
    /// When the process started; files changed later may not be what it compiled.
    pub(super) started: Option<SystemTime>,
    /// Sources that were changed after that, by name.
    pub(super) changed_sources: BTreeSet<String>,
    pub(super) codes: CodeCache<SeenCode>,
}

/// A code object that was read.
#[derive(Debug)]
pub(super) struct SeenCode {
    pub(super) id: CodeId,
    pub(super) object: CodeObject,
}

impl Reader {
    /// A reader of process `pid`, which runs `interpreter`.
    pub(super) fn new(process: Process, interpreter: Interpreter) -> Result<Self, LayoutError> {
        let memory = ProcessMemory::new(process.pid);
        let checked = layout_of(&memory, interpreter.build.version, interpreter.runtime())?;
        for difference in &checked.differences {
            tracing::info!(?difference, "the interpreter's own offset differs from the table");
        }
        let sources = open_sources(&process);
        let started = process.started();
        Ok(Self { process, interpreter, layout: checked.layout, memory, sources, started, changed_sources: BTreeSet::new(), codes: CodeCache::default() })
    }

    /// A reader of the copy that `fork` has made of the process: what was read holds for both.
    pub(super) fn fork(&self, pid: u32) -> Self {
        let process = Process { pid: pid.cast_signed(), ..self.process.clone() };
        Self {
            sources: open_sources(&process),
            process,
            interpreter: self.interpreter.clone(),
            layout: self.layout,
            memory: ProcessMemory::new(pid.cast_signed()),
            started: self.started,
            changed_sources: self.changed_sources.clone(),
            codes: self.codes.clone(),
        }
    }

    /// glibc's key for thread states, where the version and the library have one and it has been made.
    pub(super) fn tss_key(&self) -> Option<u32> {
        if self.layout.runtime_tss_key == ABSENT || !matches!(self.interpreter.libc, Libc::Glibc { .. }) {
            return None;
        }
        // `Py_tss_t` is a flag and the key, an `int` each (Include/cpython/pythread.h).
        let key = self.interpreter.runtime() + u64::from(self.layout.runtime_tss_key);
        let made = self.memory.read_u32(key - 4).ok()?;
        let key = self.memory.read_u32(key).ok()?;
        (made != 0 && key < GLIBC_FIRST_BLOCK_KEYS).then_some(key)
    }

    /// The main interpreter's `sys.modules`, and its import roots.
    pub(super) fn look(&self) -> Known<(Modules, Roots)> {
        let interp = main_interpreter(&self.memory, &self.layout, self.interpreter.runtime())?;
        let modules = read_modules(&self.memory, &self.layout, interp)?;
        let paths = read_import_paths(&self.memory, &self.layout, interp)?;
        let cwd = self.cwd().to_string_lossy().into_owned();
        Ok((modules, Roots::new(&paths, self.layout.minor, &cwd)))
    }

    fn cwd(&self) -> PathBuf {
        self.process.cwd.clone().unwrap_or_else(|| PathBuf::from("/"))
    }
}

fn open_sources(process: &Process) -> Option<Sources> {
    let root = PathBuf::from(format!("/proc/{}/root", process.pid));
    let cwd = process.cwd.as_deref().unwrap_or(Path::new("/"));
    let reader = source::Reader { uid: process.uid, gid: process.gid };
    Sources::new(&root, cwd, reader).inspect_err(|refused| tracing::info!(%refused, "sources are out of reach")).ok()
}
