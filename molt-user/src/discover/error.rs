//! What can go wrong between a pid and a described interpreter.

use super::elf::ElfError;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a process or a file could not be inspected. That it holds no Python is not an error but a finding.
#[derive(Debug, Error)]
pub enum DiscoverError {
    /// There is no such process, or `/proc` hides it.
    #[error("process {pid} does not exist")]
    NoSuchProcess {
        /// The process asked for.
        pid: i32,
    },
    /// A kernel thread runs no program.
    #[error("process {pid} is a kernel thread")]
    KernelThread {
        /// The process asked for.
        pid: i32,
    },
    /// It ended, or became a zombie, while it was looked at.
    #[error("process {pid} ended while it was inspected")]
    Vanished {
        /// The process asked for.
        pid: i32,
    },
    /// The kernel refused.
    #[error("failed to open {} of process {pid}: permission denied", path.display())]
    Permission {
        /// The process asked for.
        pid: i32,
        /// What was to be opened.
        path: PathBuf,
    },
    /// The mapped file was deleted or replaced, and the way that still leads to it is closed to this user.
    #[error("failed to open {}: the file was deleted or replaced after process {pid} mapped it", path.display())]
    Replaced {
        /// The process asked for.
        pid: i32,
        /// The file's path when it was mapped.
        path: PathBuf,
    },
    /// A file that must be readable is not.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The interpreter's file is damaged.
    #[error("failed to parse {}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        #[source]
        source: ElfError,
    },
    /// An executable needs a libpython that is not where it would be loaded from.
    #[error("failed to find {library}, which {} needs", path.display())]
    LibraryNotFound {
        /// The executable.
        path: PathBuf,
        /// The library's name.
        library: String,
    },
}

impl DiscoverError {
    /// What the person at the terminal can do about it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Permission { .. } => Some(
                "molt needs CAP_SYS_PTRACE for processes of other users and for privileged ones: run it with sudo",
            ),
            Self::Replaced { .. } => Some(
                "molt needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE to open a deleted file: run it with sudo, or restart the process",
            ),
            Self::LibraryNotFound { .. } => {
                Some("name the libpython file itself, or a running process with --pid")
            }
            _ => None,
        }
    }

    /// Sorts a failed read below `/proc/PID`.
    pub(super) fn from_proc(pid: i32, path: PathBuf, source: io::Error) -> Self {
        // ESRCH is what /proc/PID/maps and its neighbours give once the process's memory is gone.
        const ESRCH: i32 = nix::errno::Errno::ESRCH as i32;
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Permission { pid, path },
            io::ErrorKind::NotFound => Self::Vanished { pid },
            _ if source.raw_os_error() == Some(ESRCH) => Self::Vanished { pid },
            _ => Self::Read { path, source },
        }
    }
}
