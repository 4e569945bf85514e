//! Why a run failed: the status to exit with, and what to do about it.

use super::Target;
use super::status::{CANNOT_RUN, MOLT_FAILED, NOT_FOUND};
use crate::capture::ebpf::LoadError;
use crate::capture::ebpf::attach::AttachError;
use crate::diagnose::advice::refused;
use crate::diagnose::command;
use crate::diagnose::subject::Untraceable;
use crate::discover::Process;
use crate::discover::privileges::Privileges;
use crate::launch::LaunchError;
use anyhow::Error;
use nix::sys::signal::Signal;
use std::ffi::{OsStr, OsString};

/// A run that gave no artifact.
#[derive(Debug)]
pub struct Failure {
    /// What failed, with its causes.
    pub error: Error,
    /// What the person at the terminal can do, a line each.
    pub advice: Vec<String>,
    /// The status to exit with.
    pub status: u8,
}

impl Failure {
    /// A failure of molt's own.
    pub fn new(error: impl Into<Error>, advice: impl IntoIterator<Item = String>) -> Self {
        Self { error: error.into(), advice: advice.into_iter().collect(), status: MOLT_FAILED }
    }

    /// The person at the terminal asked a second time: nothing is written.
    pub(super) fn interrupted(signal: Signal) -> Self {
        let error = anyhow::anyhow!("interrupted again: the artifact was not written");
        Self { error, advice: Vec::new(), status: 128 + u8::try_from(signal as i32).unwrap_or(0) }
    }

    /// Processes that were attached to gave nothing: they were gone too soon, or never came to run Python.
    pub(super) fn nothing_read(processes: &[Process], remarks: &[String]) -> Self {
        let alive = processes.iter().any(Process::is_alive);
        let what = if alive { "was not read" } else { "ended before it could be read" };
        let pids: Vec<String> = processes.iter().map(|process| process.pid.to_string()).collect();
        Self::new(anyhow::anyhow!("process {} {what}", pids.join(", ")), remarks.iter().cloned())
    }

    /// The command could not be executed.
    pub(super) fn exec(target: &Target, cause: std::io::Error) -> Self {
        let status = if cause.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_RUN };
        let Target::Command { argv, .. } = target else { return Self::new(cause, []) };
        let command = argv.first().map_or(OsStr::new(""), OsString::as_os_str);
        let error = Error::from(cause).context(format!("failed to run {}", command.display()));
        Self { error, advice: Vec::new(), status }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error, [])
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        let advice = error.advice().map(str::to_owned);
        Self::new(error, advice)
    }
}

impl From<Untraceable> for Failure {
    fn from(error: Untraceable) -> Self {
        let advice = error.advice(&Privileges::read(), &command::line());
        Self::new(error, advice)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::from(AttachError::from(error))
    }
}

impl From<AttachError> for Failure {
    fn from(error: AttachError) -> Self {
        let advice = refused(&error, &Privileges::read(), &command::line());
        Self::new(error, advice)
    }
}
