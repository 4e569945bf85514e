//! `molt trace --wait-for`: a process that is yet to come.

use super::trace::parse_duration;
use crate::trace::{Awaited, Failure};
use clap::Args;
use std::time::Duration;

/// Which process to wait for, and how long.
#[derive(Debug, Args)]
pub(super) struct AwaitedArguments {
    /// Wait for a Python process whose program's name begins with NAME, such as python, and attach to it
    ///
    /// The name is that of the executable or the one that it was called by: gunicorn is found as gunicorn and as
    /// python. Of several processes the oldest is taken. molt ends with it.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["pid", "cgroup", "all_python", "command", "user"],
          value_parser = clap::builder::NonEmptyStringValueParser::new())]
    wait_for: Option<String>,

    /// The same for one whose command line contains TEXT, such as app:web
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["pid", "cgroup", "all_python", "command", "user"],
          value_parser = clap::builder::NonEmptyStringValueParser::new())]
    wait_for_cmdline: Option<String>,

    /// Give up waiting after this long, such as 2m; without it, never
    #[arg(long, value_name = "TIME", value_parser = parse_duration,
          conflicts_with_all = ["pid", "cgroup", "all_python", "command"])]
    timeout: Option<Duration>,
}

impl AwaitedArguments {
    /// Waits for the process, if one is to be waited for, and gives its id.
    pub(super) fn wait(self) -> Result<Option<u32>, Failure> {
        if self.wait_for.is_none() && self.wait_for_cmdline.is_none() {
            return Ok(None);
        }
        let awaited =
            Awaited { program: self.wait_for, command: self.wait_for_cmdline, timeout: self.timeout };
        awaited.wait().map(Some)
    }
}
