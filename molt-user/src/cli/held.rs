//! `molt trace --hold`: for how long a program stands still at its end.

use super::units::parse_duration;
use anyhow::bail;
use clap::Args;
use std::time::Duration;

/// What is held, and how long.
#[derive(Debug, Args)]
pub(super) struct HeldArguments {
    /// Hold a program that molt has started at its end for so long at most, such as 2s
    ///
    /// molt reads then which modules, classes and functions there are; most programs wait some milliseconds for that.
    /// What it has not come to by then it knows from earlier looks alone, and the artifact says how old the last one is.
    /// A large program of which every call is seen (--mode exact), or a busy machine, may need more.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "250ms")]
    pub(super) hold: Duration,

    /// Hold the process of --pid at its end as well, to see what it has imported last
    ///
    /// It is followed with ptrace for that, so that no debugger can be attached to it meanwhile. If molt ends first, or
    /// is killed, the process runs on. Without this it is never held.
    #[arg(long, requires = "pid")]
    pub(super) pause_at_exit: bool,
}

impl HeldArguments {
    /// Refuses what cannot be done with so many processes.
    pub(super) fn check(&self, pids: &[u32]) -> anyhow::Result<()> {
        if self.pause_at_exit && pids.len() != 1 {
            bail!("--pause-at-exit needs one --pid");
        }
        Ok(())
    }
}
