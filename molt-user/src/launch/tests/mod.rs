//! With real processes; needs no privileges, and tests one thing more as root.

mod follow;
mod signals;
mod start;

use super::{Command, Ending, Event, Holds, RunAs, Signals, Target};
use crate::clock::monotonic_ns;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Gid, Pid, Uid, getpgid};
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longer than anything here takes; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(20);

fn command<S: AsRef<str>>(argv: &[S]) -> Command {
    Command {
        argv: argv.iter().map(|argument| OsString::from(argument.as_ref())).collect(),
        run_as: None,
        signal_mask: SigSet::empty(),
        holds: Holds { start: PATIENCE, end: PATIENCE, pauses_at_start: false },
    }
}

/// A shell script with its arguments.
fn shell<S: AsRef<str>>(script: &str, arguments: &[S]) -> Command {
    let mut argv = vec!["/bin/sh", "-c", script, "sh"];
    argv.extend(arguments.iter().map(AsRef::as_ref));
    command(&argv)
}

fn start(command: &Command) -> Target {
    let mut target = Target::start(command).unwrap();
    target.release();
    target
}

/// Ends a target that a failed test leaves behind.
impl Drop for Target {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
    }
}

fn next(target: &Target) -> Event {
    target.wait_event(PATIENCE).expect("the next event did not come")
}

/// Lets all events pass and gives their names and the end.
fn run_to_end(target: &Target) -> (Vec<&'static str>, Ending) {
    let mut names = Vec::new();
    loop {
        match next(target) {
            Event::Exec(_) => names.push("exec"),
            Event::Paused(_) => names.push("paused"),
            Event::Exiting(_) => names.push("exiting"),
            Event::Ended(ending) => return (names, ending),
            Event::ExecFailed(error) => panic!("exec failed: {error}"),
        }
    }
}

fn state(target: &Target) -> char {
    let stat = fs::read_to_string(format!("/proc/{}/stat", target.pid())).unwrap();
    stat.rsplit(") ").next().and_then(|tail| tail.chars().next()).unwrap()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn exe(target: &Target) -> PathBuf {
    fs::read_link(format!("/proc/{}/exe", target.pid())).unwrap()
}

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    (folder, out)
}

fn python() -> String {
    for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        for name in ["python3", "python"] {
            let path = folder.join(name);
            if path.is_file() {
                return path.to_str().unwrap().to_owned();
            }
        }
    }
    panic!("no Python in the path: the tests of launch need one");
}
