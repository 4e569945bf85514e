//! Running something as root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::command;

pub(crate) fn is_root() -> bool {
    // The owner of a process's folder is the user that it runs as (proc(5)).
    fs::metadata("/proc/self").is_ok_and(|folder| folder.uid() == 0)
}

/// Whether sudo works without asking for a password.
pub(crate) fn sudo_is_silent() -> bool {
    command::succeeds(Command::new("sudo").args(["--non-interactive", "true"]))
}

/// A command that runs `program` as root, through sudo where this process is not. `keep` are the variables that
/// sudo must let through.
pub(crate) fn as_root(program: impl AsRef<OsStr>, keep: &[&str]) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.arg(format!("--preserve-env={}", keep.join(","))).arg(program);
    sudo
}
