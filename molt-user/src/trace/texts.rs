//! The source texts of a process, as far as they are still what it compiled.

use crate::discover::{Interpreter, Process};
use crate::symbolize::code::CodeObject;
use crate::symbolize::source::{Reader, SourceFile, Sources};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How exactly a process's start is known: it is counted in ticks of 10 ms.
const START_SLACK: Duration = Duration::from_millis(20);

/// The sources of a process.
#[derive(Debug)]
pub(super) struct Texts {
    /// `None` where the process's root cannot be opened.
    sources: Option<Sources>,
    /// When the process started; files changed later may not be what it compiled.
    started: Option<SystemTime>,
    /// Sources that were changed after that, by name.
    changed: BTreeSet<String>,
}

impl Texts {
    pub(super) fn new(process: &Process, interpreter: &Interpreter) -> Self {
        let (sources, started) = (open(process, interpreter), process.started());
        Self { sources, started, changed: BTreeSet::new() }
    }

    /// Those of `process`, the copy that `fork` has made of the one that these are of: its code was compiled before.
    pub(super) fn fork(&self, process: &Process, interpreter: &Interpreter) -> Self {
        Self { sources: open(process, interpreter), started: self.started, changed: self.changed.clone() }
    }

    /// The file that `co_filename` or `__file__` names, as it is now.
    pub(super) fn get(&mut self, name: &str) -> Option<Arc<SourceFile>> {
        self.sources.as_mut()?.get(name).ok()
    }

    /// The source of `code`, if it is still what was compiled.
    pub(super) fn of(&mut self, code: &CodeObject) -> Option<Arc<SourceFile>> {
        let name = &code.filename.as_ref().ok()?.value;
        let file = self.get(name)?;
        if self.started.is_some_and(|started| file.changed_after(started + START_SLACK)) {
            self.changed.insert(name.clone());
            return None;
        }
        Some(file)
    }

    /// Sources that were asked for and had been changed, by name.
    pub(super) fn into_changed(self) -> BTreeSet<String> {
        self.changed
    }
}

fn open(process: &Process, interpreter: &Interpreter) -> Option<Sources> {
    let root = PathBuf::from(format!("/proc/{}/root", process.pid));
    let cwd = process.cwd.as_deref().unwrap_or(Path::new("/"));
    let reader = Reader { uid: process.uid, gid: process.gid };
    let build = &interpreter.build;
    Sources::new(&root, cwd, reader)
        .map(|sources| sources.with_library(&interpreter.path, build.version.minor(), build.free_threaded))
        .inspect_err(|refused| tracing::info!(%refused, "sources are out of reach"))
        .ok()
}
