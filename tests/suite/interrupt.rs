//! Ctrl-C, and molt being killed.
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{self, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::support::artifact::{molt_trace, read};
use crate::support::process::{Running, wait_for};
use crate::support::pythons::Interpreter;

/// Starts waits.py under molt and waits until it works. Its pid.
fn waiting(python: &Interpreter, output: &Path, how: &[&str]) -> (Running, Pid) {
    ready(molt_trace(output, python).arg("waits.py").args(how))
}

/// Starts molt with a program that says so when it is ready. Its pid.
fn ready(command: &mut Command) -> (Running, Pid) {
    let mut molt = Running::start(command.stdin(Stdio::piped()));
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

/// molt is killed while it holds the target, at the end of its interpreter or of the process: the target ends by itself,
/// with its own status.
pub(crate) fn target_that_is_held_ends_without_molt(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    // Whoever waits for the target once molt is gone.
    set_child_subreaper(true).unwrap();
    for way in ["return", "exit"] {
        let mut command = molt_trace(&output, python);
        let (mut molt, pid) = ready(command.args(["late.py", way, "3"]));
        // Until molt has looked at it, upon which it holds the interpreter at its end.
        thread::sleep(Duration::from_millis(700));
        molt.signal(Signal::SIGSTOP);
        drop(molt.stdin());
        wait_for("the target to be held", || is_held(pid).then_some(()));
        molt.signal(Signal::SIGKILL);
        wait_for("molt to end", || molt.has_ended().then_some(()));
        let ended = wait_for("the target to end", || {
            let status = waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap();
            (status != WaitStatus::StillAlive).then_some(status)
        });
        assert_eq!(ended, WaitStatus::Exited(pid, 3), "{way}");
        assert!(!output.exists(), "{way}");
    }
    set_child_subreaper(false).unwrap();
}

/// Whether a process stands still for its tracer.
fn is_held(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") t ")
}

/// Ends the target's input, upon which it must say that it is done.
fn finish(mut molt: Running) {
    drop(molt.stdin());
    wait_for("the target to end by itself", || molt.stdout().ends_with("done\n").then_some(()));
}
