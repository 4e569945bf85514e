//! From a pid or a path to an interpreter that can be traced, or the reason why not in one sentence.

use super::advice::lines_of;
use crate::cpython::debug_offsets::{Checked, LayoutError, layout_of};
use crate::discover::file::FileFinding;
use crate::discover::privileges::Privileges;
use crate::discover::{Build, DiscoverError, Finding, Inspector, Interpreter, Libc, Process, Unsupported};
use crate::symbolize::memory::ProcessMemory;
use molt_common::fault::Fault;
use molt_common::walk::Memory;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which interpreter is asked about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// That of a running process.
    Process(u32),
    /// That in a file.
    File(PathBuf),
}

/// Why an interpreter cannot be traced.
#[derive(Debug, thiserror::Error)]
pub enum Untraceable {
    /// The process or the file could not be looked at.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// It is a Python that molt does not know.
    #[error("{whose} cannot be traced: {what}")]
    Unsupported {
        /// The process or the file.
        whose: String,
        /// What was found.
        what: Unsupported,
    },
    /// The process runs another program.
    #[error("process {pid} does not run Python but {}", exe.as_deref().unwrap_or(Path::new("another program")).display())]
    OtherProgram {
        /// The process.
        pid: u32,
        /// Its executable, where the kernel shows it.
        exe: Option<PathBuf>,
    },
    /// The process's dynamic linker is still at work.
    #[error("process {pid} has not loaded its interpreter yet")]
    NotYet {
        /// The process.
        pid: u32,
    },
    /// The file holds no interpreter.
    #[error("{} is no Python interpreter", path.display())]
    OtherFile {
        /// The file.
        path: PathBuf,
    },
    /// The file is a script, such as a pyenv shim.
    #[error("{} is a script for {}, no interpreter", path.display(), interpreter.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// Its first line without `#!`.
        interpreter: OsString,
    },
    /// The kernel keeps the process's memory from molt.
    #[error("failed to read the memory of process {pid}: operation not permitted")]
    Closed {
        /// The process.
        pid: u32,
    },
    /// Its structures are not where molt looks for them.
    #[error("{whose} cannot be traced")]
    Layout {
        /// The process or the file.
        whose: String,
        /// What is wrong.
        #[source]
        source: LayoutError,
    },
}

impl Untraceable {
    /// What the person at the terminal can do about it, a line each. `command` is the command line that was
    /// tried.
    pub fn advice(&self, privileges: &Privileges, command: &str) -> Vec<String> {
        match self {
            Self::Discover(DiscoverError::Permission { .. }) | Self::Closed { .. } => {
                let lacking = privileges.no_capabilities(command).into_iter().chain(privileges.no_ptrace());
                let lines: Vec<String> = lacking.flat_map(lines_of).collect();
                if lines.is_empty() { vec![CLOSED.to_owned()] } else { lines }
            }
            Self::Discover(error) => error.advice().map(str::to_owned).into_iter().collect(),
            Self::OtherProgram { .. } => {
                vec!["if it starts Python later, start it under molt: molt trace -- COMMAND".to_owned()]
            }
            Self::NotYet { .. } => vec!["try again in a moment".to_owned()],
            Self::OtherFile { .. } | Self::Script { .. } => vec![
                "name the interpreter that it comes to: python3 -c 'import sys; print(sys.executable)'"
                    .to_owned(),
            ],
            Self::Unsupported { .. } | Self::Layout { .. } => Vec::new(),
        }
    }
}

/// What is behind a refusal when no capability is missing.
const CLOSED: &str =
    "a security module or a seccomp filter keeps the process from molt; see the kernel's log";

/// A process that can be traced.
#[derive(Debug)]
pub struct Attachable {
    /// The process.
    pub process: Process,
    /// Its interpreter; none while its dynamic linker has yet to map it.
    pub interpreter: Option<(Interpreter, Layouts)>,
}

/// How an interpreter's structures are laid out; none while it has yet to start.
pub type Layouts = Option<Checked>;

/// Looks at process `pid`. Gives up only on what will not change by itself.
pub fn find_process(pid: u32) -> Result<Attachable, Untraceable> {
    let process = Process::read(pid.cast_signed())?;
    let whose = || format!("process {pid}");
    match Inspector::default().inspect(&process)? {
        Finding::NotYet => Ok(Attachable { process, interpreter: None }),
        Finding::NotPython { exe } => Err(Untraceable::OtherProgram { pid, exe }),
        Finding::Unsupported(what) => Err(Untraceable::Unsupported { whose: whose(), what }),
        Finding::Python(interpreter) => {
            let memory = ProcessMemory::new(process.pid);
            let runtime = interpreter.runtime();
            // Older versions have nothing there to compare; that it can be read shows that the rest can.
            let readable = memory.read_u64(runtime);
            if readable.is_err() && memory.failures().denied > 0 {
                return Err(Untraceable::Closed { pid });
            }
            let layout = match layout_of(&memory, interpreter.build.version, runtime) {
                Ok(checked) => Some(checked),
                Err(LayoutError::Unreadable { .. } | LayoutError::NotThere { .. }) if !process.is_alive() => {
                    return Err(DiscoverError::Vanished { pid: process.pid }.into());
                }
                Err(LayoutError::Unreadable { .. } | LayoutError::NotThere { .. }) => None,
                Err(source) => return Err(Untraceable::Layout { whose: whose(), source }),
            };
            Ok(Attachable { process, interpreter: Some((interpreter, layout)) })
        }
    }
}

/// An interpreter in a file.
#[derive(Debug)]
pub struct InFile {
    /// What the file tells.
    pub build: Arc<Build>,
    /// The file: the one asked for, or the libpython that it loads.
    pub path: PathBuf,
    /// The C library that it asks for.
    pub libc: Libc,
    /// How its structures are laid out.
    pub layout: Checked,
}

/// Looks at the interpreter in the file `path`.
pub fn find_file(path: &Path) -> Result<InFile, Untraceable> {
    let whose = || path.display().to_string();
    match Inspector::default().inspect_file(path)? {
        FileFinding::Python { build, path: file, libc } => {
            let layout = layout_of(&FileMemory(&build), build.version, build.runtime)
                .map_err(|source| Untraceable::Layout { whose: whose(), source })?;
            Ok(InFile { build, path: file, libc, layout })
        }
        FileFinding::Unsupported(what) => Err(Untraceable::Unsupported { whose: whose(), what }),
        FileFinding::Script { interpreter } => {
            Err(Untraceable::Script { path: path.to_owned(), interpreter })
        }
        FileFinding::NotPython => Err(Untraceable::OtherFile { path: path.to_owned() }),
    }
}

/// A file's content as the memory of a process that has not run an instruction of it, loaded where it was
/// linked for.
struct FileMemory<'build>(&'build Build);

impl Memory for FileMemory<'_> {
    fn read(&self, addr: u64, into: &mut [u8]) -> Result<(), Fault> {
        let asked = into.len();
        let read = self.0.elf.read_address(addr, into).map_or(0, <[u8]>::len);
        if read == asked { Ok(()) } else { Err(Fault::ReadFault) }
    }
}
