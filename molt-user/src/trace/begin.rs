//! From what is to be traced to a process that is watched and has not run on yet.

use super::Target;
use super::failure::Failure;
use super::watch::Watch;
use crate::clock::monotonic_ns;
use crate::diagnose::advice::lines_of;
use crate::diagnose::subject::find_process;
use crate::discover::Process;
use crate::discover::privileges::Privileges;
use crate::launch::{self, RunAs, Signals};
use anyhow::anyhow;
use std::ffi::OsString;
use std::time::Duration;

/// Longest that a launched process is held: looking takes some milliseconds, but molt may have to wait for a CPU, or
/// have many records of calls to take first.
const HOLD: Duration = Duration::from_secs(5);

/// Longest that a process is held at its end that molt has not started.
const PAUSE: Duration = Duration::from_millis(250);

/// The process that a run is about.
#[derive(Debug)]
pub(super) enum Traced {
    /// Started by molt, and waiting before its exec.
    Launched(launch::Target),
    /// Found running, and followed where it is to be held at its end.
    Attached(Process, Option<launch::Target>),
}

impl Traced {
    /// Its id.
    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Launched(target) => target.pid().cast_unsigned(),
            Self::Attached(process, _) => process.pid.cast_unsigned(),
        }
    }

    /// What follows it.
    pub(super) fn followed(&self) -> Option<&launch::Target> {
        match self {
            Self::Launched(target) | Self::Attached(_, Some(target)) => Some(target),
            Self::Attached(_, None) => None,
        }
    }

    /// Its threads.
    pub(super) fn threads(&self) -> Vec<u32> {
        match self {
            Self::Launched(_) => vec![self.pid()],
            Self::Attached(process, _) => process.threads(),
        }
    }
}

/// Who called molt through sudo, if somebody did.
pub(super) fn caller() -> Result<Option<RunAs>, Failure> {
    Ok(RunAs::from_sudo(|name| std::env::var(name).ok())?)
}

/// What is to be traced, as far as it can be had before anything is loaded.
#[derive(Debug)]
pub(super) enum Wanted<'a> {
    /// A running process, which runs a Python that can be read; and whether it is held at its end.
    Process(Process, bool),
    /// A command to start.
    Command { argv: &'a [OsString], user: Option<&'a str> },
}

impl<'a> Wanted<'a> {
    /// Finds the process to attach to.
    pub(super) fn find(target: &'a Target) -> Result<Self, Failure> {
        Ok(match target {
            Target::Process { pid, pause_at_exit } => {
                Self::Process(find_process(*pid)?.process, *pause_at_exit)
            }
            Target::Command { argv, user } => Self::Command { argv, user: user.as_deref() },
        })
    }

    /// Starts the command, and puts it or the process under watch.
    pub(super) fn begin(self, signals: &Signals, watch: &mut Watch) -> Result<Traced, Failure> {
        let traced = match self {
            Self::Process(process, false) => Traced::Attached(process, None),
            Self::Process(process, true) => {
                let followed = launch::Target::follow(process.pid, PAUSE)?;
                Traced::Attached(process, Some(followed))
            }
            Self::Command { argv, user } => {
                let run_as = match user {
                    Some(user) => Some(RunAs::parse(user)?),
                    None => caller()?,
                };
                let command = launch::Command {
                    argv: argv.to_vec(),
                    run_as,
                    signal_mask: signals.mask_before(),
                    hold: HOLD,
                };
                Traced::Launched(launch::Target::start(&command)?)
            }
        };
        let launched = matches!(traced, Traced::Launched(_));
        watch.begin(traced.pid(), launched, traced.followed().is_some(), monotonic_ns());
        Ok(traced)
    }
}

/// Refuses to run where the kernel side would see no process: without this, the artifact would be an empty one.
pub(super) fn check_namespace() -> Result<(), Failure> {
    match Privileges::read().inner_pids() {
        None => Ok(()),
        Some(obstacle) => {
            let [what, remedy] = lines_of(obstacle);
            Err(Failure::new(anyhow!(what), [remedy]))
        }
    }
}
