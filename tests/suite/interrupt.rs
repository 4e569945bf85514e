//! Ctrl-C, and molt being killed.
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::support::artifact::{molt_trace, read};
use crate::support::process::{Running, wait_for};
use crate::support::pythons::Interpreter;

/// Starts waits.py under molt and waits until it works. Its pid.
fn waiting(python: &Interpreter, output: &Path, how: &[&str]) -> (Running, Pid) {
    let mut command = molt_trace(output, python);
    let mut molt = Running::start(command.arg("waits.py").args(how).stdin(Stdio::piped()));
    let pid = wait_for("the target to say who it is", || {
        assert!(!molt.has_ended(), "molt ended: {}", molt.stderr());
        let said = molt.stdout();
        said.strip_prefix("ready ")?.strip_suffix('\n')?.parse().ok()
    });
    (molt, Pid::from_raw(pid))
}

fn is_alive(pid: Pid) -> bool {
    signal::kill(pid, None).is_ok()
}

/// Ctrl-C, which a terminal sends to the whole group, ends the target as without molt, and the file is written.
pub(crate) fn interrupt_reaches_the_target_once(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let (molt, pid) = waiting(python, &output, &[]);
    molt.signal_group(Signal::SIGINT);
    let ended = molt.wait();
    assert_eq!(ended.code(), 7, "{}", ended.stderr);
    assert_eq!(ended.stdout.matches("interrupted").count(), 1);
    assert!(!is_alive(pid));
    read(&output);
}

/// A target that ignores Ctrl-C keeps molt waiting; the second one ends molt, and leaves the target alone.
pub(crate) fn second_interrupt_ends_molt_at_once(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let (mut molt, pid) = waiting(python, &output, &["stubborn"]);
    molt.signal(Signal::SIGINT);
    // Two signals that are pending at once are one: the second is sent until it has been seen.
    wait_for("molt to end", || {
        molt.signal(Signal::SIGINT);
        molt.has_ended().then_some(())
    });
    assert!(is_alive(pid));
    finish(molt);
}

/// SIGKILL gives molt no time to tidy up; the kernel does it, and the target runs on to its own end.
pub(crate) fn killed_molt_leaves_the_target_running(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let (mut molt, pid) = waiting(python, &output, &[]);
    molt.signal(Signal::SIGKILL);
    wait_for("molt to end", || molt.has_ended().then_some(()));
    assert!(is_alive(pid));
    assert!(!output.exists());
    finish(molt);
}

/// Ends the target's input, upon which it must say that it is done.
fn finish(mut molt: Running) {
    drop(molt.stdin());
    wait_for("the target to end by itself", || molt.stdout().ends_with("done\n").then_some(()));
}
