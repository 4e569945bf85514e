//! From what is to be traced to a process that is watched and has not run on yet.

use super::failure::Failure;
use super::seek::Seeker;
use super::watch::Watch;
use super::{Options, Target};
use crate::clock::monotonic_ns;
use crate::diagnose::advice::lines_of;
use crate::diagnose::subject::{Untraceable, find_process};
use crate::discover::privileges::Privileges;
use crate::discover::{Process, parents};
use crate::launch::{self, RunAs, Signals};
use anyhow::anyhow;
use std::ffi::OsString;
use std::time::Duration;

/// Longest that a launched process is held at its start: probes are placed in some milliseconds, but molt may have to
/// wait for a CPU, and of a program that is let go before they are there the first calls are missing.
const HOLD_AT_START: Duration = Duration::from_secs(5);

/// What a run is about.
#[derive(Debug)]
pub(super) enum Traced {
    /// A process started by molt, which waits before its exec.
    Launched(launch::Target),
    /// Processes found running, the first of which is followed where it is to be held at its end.
    Attached(Vec<Process>, Option<launch::Target>),
    /// Whatever runs Python within some bounds.
    Sought(Seeker),
}

impl Traced {
    /// The process that is followed.
    pub(super) fn followed(&self) -> Option<&launch::Target> {
        match self {
            Self::Launched(target) | Self::Attached(_, Some(target)) => Some(target),
            Self::Attached(_, None) | Self::Sought(_) => None,
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
    /// Running processes that run, or whose children run, a Python that can be read.
    Processes(Vec<Process>),
    /// Whatever runs Python within some bounds.
    Sought(Seeker),
    /// A command to start.
    Command { argv: &'a [OsString], user: Option<&'a str> },
}

impl<'a> Wanted<'a> {
    /// Finds the processes to attach to. `follow`: their children will do as well.
    pub(super) fn find(target: &'a Target, follow: bool) -> Result<Self, Failure> {
        Ok(match target {
            Target::Processes(pids) => {
                let found = pids.iter().map(|pid| find_root(*pid, follow));
                Self::Processes(found.collect::<Result<_, _>>()?)
            }
            Target::Cgroup(path) => Self::Sought(Seeker::of_cgroup(path)?),
            Target::Host => Self::Sought(Seeker::of_host()),
            Target::Command { argv, user } => Self::Command { argv, user: user.as_deref() },
        })
    }

    /// Starts the command, and puts it or the processes under watch.
    pub(super) fn begin(
        self,
        signals: &Signals,
        options: &Options,
        watch: &mut Watch,
    ) -> Result<Traced, Failure> {
        Ok(match self {
            Self::Processes(processes) => {
                let first = processes.first().filter(|_| options.pause_at_exit);
                let followed =
                    first.map(|first| launch::Target::follow(first.pid, options.hold)).transpose()?;
                for process in &processes {
                    watch.begin(process.pid.cast_unsigned(), false, followed.is_some(), monotonic_ns());
                }
                Traced::Attached(processes, followed)
            }
            Self::Sought(seeker) => Traced::Sought(seeker),
            Self::Command { argv, user } => {
                let run_as = match user {
                    Some(user) => Some(RunAs::parse(user)?),
                    None => caller()?,
                };
                let command = launch::Command {
                    argv: argv.to_vec(),
                    run_as,
                    signal_mask: signals.mask_before(),
                    holds: launch::Holds {
                        start: HOLD_AT_START,
                        end: options.hold,
                        pauses_at_start: watch.counts_calls,
                    },
                };
                let target = launch::Target::start(&command)?;
                watch.begin(target.pid().cast_unsigned(), true, true, monotonic_ns());
                Traced::Launched(target)
            }
        })
    }
}

/// The process with this id. One that does not run Python will do if children of it are traced: a supervisor, or a
/// shell.
fn find_root(pid: u32, follow: bool) -> Result<Process, Failure> {
    match find_process(pid) {
        Ok(found) => Ok(found.process),
        Err(Untraceable::OtherProgram { .. })
            if follow && parents().values().any(|parent| *parent == pid) =>
        {
            Ok(Process::read(pid.cast_signed()).map_err(Untraceable::from)?)
        }
        Err(refused) => Err(refused.into()),
    }
}

/// Refuses to run where the kernel side would see no process, or another: the artifact would be an empty one.
pub(super) fn check_namespace() -> Result<(), Failure> {
    match Privileges::read().inner_pids() {
        None => Ok(()),
        Some(obstacle) => {
            let [what, remedy] = lines_of(obstacle);
            Err(Failure::new(anyhow!(what), [remedy]))
        }
    }
}
