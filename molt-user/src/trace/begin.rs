//! From what is to be traced to a process that is watched and has not run on yet.

use super::failure::Failure;
use super::watch::Watch;
use super::{Options, Target};
use crate::clock::monotonic_ns;
use crate::diagnose::advice::lines_of;
use crate::diagnose::subject::find_process;
use crate::discover::Process;
use crate::discover::privileges::Privileges;
use crate::launch::{self, RunAs, Signals};
use anyhow::anyhow;
use std::time::Duration;

/// Longest that a launched process is held: looking takes some milliseconds, but molt may have to wait for a CPU.
const HOLD: Duration = Duration::from_secs(1);

/// The process that a run is about.
#[derive(Debug)]
pub(super) enum Traced {
    /// Started by molt, and waiting before its exec.
    Launched(launch::Target),
    /// Found running.
    Attached(Process),
}

impl Traced {
    /// Its id.
    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Launched(target) => target.pid().cast_unsigned(),
            Self::Attached(process) => process.pid.cast_unsigned(),
        }
    }
}

/// Who called molt through sudo, if somebody did.
pub(super) fn caller() -> Result<Option<RunAs>, Failure> {
    Ok(RunAs::from_sudo(|name| std::env::var(name).ok())?)
}

/// Starts the command, or takes the process that [`find`] gave, and puts it under watch.
pub(super) fn begin(
    options: &Options,
    attached: Option<Process>,
    signals: &Signals,
    watch: &mut Watch,
) -> Result<Traced, Failure> {
    let traced = match (attached, &options.target) {
        (Some(process), _) => Traced::Attached(process),
        (None, Target::Process(pid)) => Traced::Attached(find_process(*pid)?.process),
        (None, Target::Command { argv, user }) => {
            let run_as = match user {
                Some(user) => Some(RunAs::parse(user)?),
                None => caller()?,
            };
            let command = launch::Command {
                argv: argv.clone(),
                run_as,
                signal_mask: signals.mask_before(),
                hold: HOLD,
            };
            Traced::Launched(launch::Target::start(&command)?)
        }
    };
    let held = matches!(traced, Traced::Launched(_));
    watch.begin(traced.pid(), held, monotonic_ns());
    Ok(traced)
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

/// The process to attach to, which must run a Python that can be read; none if a command is to be started.
pub(super) fn find(target: &Target) -> Result<Option<Process>, Failure> {
    match target {
        Target::Command { .. } => Ok(None),
        Target::Process(pid) => Ok(Some(find_process(*pid)?.process)),
    }
}
