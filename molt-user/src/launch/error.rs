//! What can go wrong before a command runs.

use nix::errno::Errno;
use nix::unistd::Pid;
use procfs::process::Process;
use std::io;
use thiserror::Error;

/// Why a command was not started. That it could not be executed is [`super::Event::ExecFailed`].
#[derive(Debug, Error)]
pub enum LaunchError {
    /// No program was named.
    #[error("failed to start a command: it is empty")]
    EmptyCommand,
    /// Arguments end at a NUL byte, so none can hold one.
    #[error("failed to start a command: argument {index} holds a NUL byte")]
    NulByte {
        /// Which argument; 0 is the program.
        index: usize,
    },
    /// The system gave no process, pipe or event descriptor.
    #[error("failed to make a process")]
    Fork(#[source] Errno),
    /// The system gave no thread.
    #[error("failed to make a thread")]
    Thread(#[source] io::Error),
    /// ptrace is forbidden, even for molt's own child.
    #[error("failed to trace the command's process")]
    Trace(#[source] Errno),
    /// ptrace is forbidden.
    #[error("failed to follow the process to its end")]
    Follow(#[source] Errno),
    /// Another tracer follows the process, and ptrace knows one at a time.
    #[error("failed to follow process {pid}: {tracer} (process {by}) does already")]
    Taken {
        /// The process.
        pid: i32,
        /// The tracer's name.
        tracer: String,
        /// Its process id.
        by: i32,
    },
    /// A `--user` that is no user, or has no group.
    #[error("failed to find user {name:?}")]
    UnknownUser {
        /// What was asked for.
        name: String,
    },
    /// A group in `--user` that does not exist.
    #[error("failed to find group {name:?}")]
    UnknownGroup {
        /// What was asked for.
        name: String,
    },
    /// Only root may start programs as somebody else.
    #[error("failed to run the command as user {uid}: molt does not run as root")]
    NotRoot {
        /// The user asked for.
        uid: u32,
    },
    /// The user's groups could not be read.
    #[error("failed to read the groups of user {uid}")]
    Groups {
        /// The user.
        uid: u32,
        /// The system's reason.
        #[source]
        source: Errno,
    },
}

impl LaunchError {
    /// `otherwise`, unless another tracer is the reason why process `pid` cannot be followed.
    pub(super) fn of(pid: Pid, otherwise: Self) -> Self {
        Self::taken(pid.as_raw()).unwrap_or(otherwise)
    }

    fn taken(pid: i32) -> Option<Self> {
        let by = Process::new(pid).and_then(|process| process.status()).ok()?.tracerpid;
        let tracer = Process::new(by).and_then(|tracer| tracer.stat()).ok()?.comm;
        let tracer = tracer.escape_debug().to_string();
        (by != 0).then_some(Self::Taken { pid, tracer, by })
    }

    /// What the person at the terminal can do about it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Trace(_) => Some(
                "ptrace of own children is switched off here (sysctl kernel.yama.ptrace_scope=3, or a container's seccomp profile): allow it, or start the program first and use --pid",
            ),
            Self::Taken { .. } => Some(
                "end that one first, or attach with --pid and without --pause-at-exit, which needs no ptrace",
            ),
            Self::UnknownUser { .. } => Some("write --user NAME, --user UID or --user UID:GID"),
            Self::NotRoot { .. } => Some("run molt with sudo"),
            _ => None,
        }
    }
}
