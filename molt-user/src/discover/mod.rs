//! Stage: discover. From a pid or a file to a described Python interpreter.
//!
//! Reads `/proc` and the files that a process maps, and a few words of its memory where two interpreters
//! must be told apart. Changes nothing. What it finds goes to `capture` and `symbolize`.
//!
//! In reading order: [`process`], [`maps`], [`elf`], [`notes`], [`args`], [`binary_version`],
//! [`interpreter`], [`mod@file`]; [`privileges`] stands alone.

pub mod args;
pub mod binary_version;
pub mod elf;
pub mod error;
pub mod file;
pub mod interpreter;
mod known;
mod libc;
pub mod maps;
pub mod notes;
pub mod privileges;
pub mod process;

pub use error::DiscoverError;
pub use interpreter::{Build, Interpreter, Libc, Linkage, Milestones, Unsupported};
pub use process::{Process, parents, threads_of};

use elf::Elf;
use interpreter::{is_pypy, is_python};
use known::{FileKind, Known};
use maps::{FileMapping, read_maps};
use process::{proc_path, read_word};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Most files of one process that are opened. A large program maps some hundred.
const MAX_FILES: usize = 1024;

/// What a process is at this moment, as far as Python goes.
#[derive(Clone, Debug)]
pub enum Finding {
    /// It runs, or is about to run, an interpreter that molt can trace.
    Python(Interpreter),
    /// It runs something else. It may still exec, or load, Python.
    NotPython {
        /// Its executable, where the kernel shows it.
        exe: Option<PathBuf>,
    },
    /// Its dynamic linker has yet to map the interpreter: look again in a moment.
    NotYet,
    /// It runs a Python that molt does not trace.
    Unsupported(Unsupported),
}

/// Looks into processes, and remembers the files that it has parsed.
#[derive(Debug, Default)]
pub struct Inspector {
    known: Known,
}

impl Inspector {
    /// Looks for an interpreter in a process.
    pub fn inspect(&mut self, process: &Process) -> Result<Finding, DiscoverError> {
        let path = proc_path(process.pid, "maps");
        let maps = read_maps(&path).map_err(|source| DiscoverError::from_proc(process.pid, path, source))?;
        if maps.is_empty() && !process.is_alive() {
            return Err(DiscoverError::Vanished { pid: process.pid });
        }
        let mut pythons = Vec::new();
        let mut unsupported = None;
        let mut waits = maps.iter().all(|mapping| is_dynamic_linker(mapping.file_name()));
        let mut failure = None;
        for candidate in candidates(&maps, process.exe.as_deref()) {
            if candidate.guess && !pythons.is_empty() {
                break;
            }
            let mapping = candidate.mapping;
            let looked =
                open_mapping(process, mapping).and_then(|file| self.known.look_at(file, &mapping.path));
            match looked {
                Ok(FileKind::Python(build)) => {
                    if let Some(load_bias) = build.elf.load_bias(mapping.start, mapping.offset) {
                        let libc = find_libc(process, &maps, &build.elf);
                        pythons.push(Interpreter { build, path: mapping.path.clone(), load_bias, libc });
                    }
                }
                Ok(FileKind::Unsupported(what)) => {
                    unsupported.get_or_insert(Unsupported { what, path: mapping.path.clone() });
                }
                Ok(FileKind::Other { needs_python }) => waits |= needs_python,
                Err(error) if candidate.guess => tracing::debug!(%error, "file left out"),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        let running = pythons.iter().position(|python| has_started(process.pid, python)).unwrap_or(0);
        match (pythons.into_iter().nth(running), unsupported, failure) {
            (Some(python), _, _) => Ok(Finding::Python(python)),
            (None, Some(unsupported), _) => Ok(Finding::Unsupported(unsupported)),
            (None, None, Some(failure)) => Err(failure),
            (None, None, None) if waits => Ok(Finding::NotYet),
            (None, None, None) => Ok(Finding::NotPython { exe: process.exe.clone() }),
        }
    }
}

/// A mapped file that may be an interpreter.
struct Candidate<'maps> {
    /// Its mapping with the lowest address.
    mapping: &'maps FileMapping,
    /// Some part of it is mapped as code.
    executable: bool,
    is_exe: bool,
    /// Neither the executable nor named like Python. Such a file is looked at last, and may be unreadable.
    guess: bool,
}

/// Each mapped file once; the executable first, since its symbols win over those of a library that is also
/// loaded; then what is named like Python; then the rest, since programs embed Python under any name.
fn candidates<'maps>(maps: &'maps [FileMapping], exe: Option<&Path>) -> Vec<Candidate<'maps>> {
    let mut files = BTreeMap::new();
    for mapping in maps {
        let file = files.entry((&mapping.path, mapping.inode)).or_insert_with(|| {
            let name = mapping.file_name();
            let is_exe = exe.is_some_and(|exe| exe == mapping.path);
            let guess = !(is_exe || is_python(name) || is_pypy(name));
            Candidate { mapping, executable: false, is_exe, guess }
        });
        file.executable |= mapping.executable;
    }
    let mut found: Vec<_> = files.into_values().filter(|file| file.executable || !file.guess).collect();
    found.sort_by_key(|file| (file.guess, !file.is_exe, file.mapping.start));
    found.truncate(MAX_FILES);
    found
}

fn is_dynamic_linker(name: &[u8]) -> bool {
    name.starts_with(b"ld-linux") || name.starts_with(b"ld-musl-") || name.starts_with(b"ld-2.")
}

/// Whether the interpreter has made its first `PyInterpreterState`: of two that are mapped, the one that has
/// runs the program. The offset of `interpreters_head` in `_PyRuntime` is that of 3.8 to 3.10 or of 3.11 and
/// 3.12; from 3.13 on `_Py_DebugOffsets` gives it at its byte 40.
fn has_started(pid: i32, python: &Interpreter) -> bool {
    let runtime = python.runtime();
    let offset = match python.build.version.minor() {
        ..=10 => Some(32),
        11 | 12 => Some(40),
        13.. => read_word(pid, runtime.wrapping_add(40)),
    };
    offset.and_then(|offset| read_word(pid, runtime.wrapping_add(offset))).is_some_and(|head| head != 0)
}

/// Opens the file behind a mapping. `map_files` leads to it whatever became of its name, but only for
/// `CAP_SYS_ADMIN` or `CAP_CHECKPOINT_RESTORE`; `exe` does for who may read the process's memory; and the
/// path in the target's own root for everyone, as long as it is the same file.
fn open_mapping(process: &Process, mapping: &FileMapping) -> Result<File, DiscoverError> {
    let pid = process.pid;
    let by_address = proc_path(pid, "map_files").join(format!("{:x}-{:x}", mapping.start, mapping.end));
    if let Ok(file) = File::open(by_address) {
        return Ok(file);
    }
    if process.exe.as_deref().is_some_and(|exe| exe == mapping.path)
        && let Ok(file) = File::open(proc_path(pid, "exe"))
    {
        return Ok(file);
    }
    let path = mapping.path.clone();
    if mapping.deleted {
        return Err(DiscoverError::Replaced { pid, path });
    }
    let inside = proc_path(pid, "root").join(path.strip_prefix("/").unwrap_or(&path));
    File::open(inside).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound if process.is_alive() => DiscoverError::Read { path, source },
        _ => DiscoverError::from_proc(pid, path, source),
    })
}

/// The C library of process `pid`, and where in its file the functions are that do without a system call what one is
/// for, each with the system call's name. None if it has no such library, or not yet.
///
/// CPython reads every clock through `clock_gettime` (`Python/pytime.c`). glibc's `getrandom` asks the kernel's vDSO
/// from 2.41 on (`NEWS`), up to 2.40 it makes the system call.
pub fn find_shortcuts(pid: u32) -> Option<(Elf, Vec<(&'static str, u64)>)> {
    let process = Process::read(pid.cast_signed()).ok()?;
    let maps = read_maps(&proc_path(process.pid, "maps")).ok()?;
    let is_library = |mapping: &&FileMapping| {
        mapping.executable
            && libc::by_name(mapping.file_name()).is_some()
            && !is_dynamic_linker(mapping.file_name())
    };
    let library = Elf::parse(open_mapping(&process, maps.iter().find(is_library)?).ok()?).ok()?;
    let random = libc::glibc_minor(&library).is_some_and(|minor| minor >= 41).then_some("getrandom");
    let names = [Some("clock_gettime"), random].into_iter().flatten();
    let found = names.filter_map(|name| Some((name, library.file_offset_of(name.as_bytes())?))).collect();
    Some((library, found))
}

/// The C library that is mapped; before it is, the one that the file asks for.
fn find_libc(process: &Process, maps: &[FileMapping], elf: &Elf) -> Libc {
    let named = |mapping: &&FileMapping| libc::by_name(mapping.file_name()).is_some();
    let Some(mapping) =
        maps.iter().filter(named).min_by_key(|mapping| is_dynamic_linker(mapping.file_name()))
    else {
        return libc::by_linking(elf);
    };
    match libc::by_name(mapping.file_name()) {
        Some(Libc::Glibc { minor: None }) if !is_dynamic_linker(mapping.file_name()) => {
            let elf = open_mapping(process, mapping).ok().and_then(|file| Elf::parse(file).ok());
            Libc::Glibc { minor: elf.and_then(|elf| libc::glibc_minor(&elf)) }
        }
        Some(libc) => libc,
        None => Libc::Unknown,
    }
}

#[cfg(test)]
mod tests;
