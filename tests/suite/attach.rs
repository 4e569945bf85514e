//! Attaching to programs that run already.
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::summary;
use crate::support::artifact::{molt, molt_trace, read};
use crate::support::process::{Running, run, wait_for};
use crate::support::pythons::Interpreter;

/// Starts waits.py by itself and waits until it works.
pub(super) fn target(python: &Interpreter) -> Running {
    target_at(python, Path::new("waits.py"))
}

/// The same with the script at another place.
pub(super) fn target_at(python: &Interpreter, script: &Path) -> Running {
    let mut target = Running::start(python.start().arg(script).stdin(Stdio::piped()));
    wait_for("the target to be ready", || {
        assert!(!target.has_ended(), "{}", target.stderr());
        target.stdout().starts_with("ready").then_some(())
    });
    target
}

/// Whether a process holds a link, which molt does once its first programs are attached.
pub(super) fn is_attached(process: &Running) -> Option<()> {
    holds(process.pid().as_raw(), "anon_inode:bpf_link")
}

/// Whether a process holds a perf event, which molt does once it samples.
pub(super) fn samples(pid: i32) -> Option<()> {
    holds(pid, "anon_inode:[perf_event]")
}

fn holds(pid: i32, what: &str) -> Option<()> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let mut names = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    names.any(|name| name.as_os_str() == what).then_some(())
}

/// molt attaches, watches for the time given, writes, and leaves the target as it was.
pub(crate) fn attaches_to_a_running_program(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut target = target(python);
    let pid = target.pid().to_string();
    let ended =
        run(molt().args(["trace", "-F", "499", "--duration", "500ms", "--pid", &pid, "-o"]).arg(&output));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let artifact = read(&output);
    summary::check(&ended.stderr, &artifact, &output);
    assert_eq!(artifact.header.python_version, python.version);
    assert!(artifact.header.run_metadata.entrypoint.starts_with("<attached>"), "{:?}", artifact.header);
    assert_eq!(artifact.hotspots.first().map(|hotspot| hotspot.symbol.as_str()), Some("__main__.work"));
    assert!(artifact.modules.contains_key("select"), "{:?}", artifact.modules.keys());
    assert!(!target.has_ended());
    drop(target.stdin());
    assert!(target.wait().succeeded().stdout.ends_with("done\n"));
}

/// The first sample of a busy program comes soon after molt's start, at one of three times on a machine that has other
/// work. `cargo xtask bench --only times` measures how soon.
pub(crate) fn first_sample_comes_soon(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let target = target(python);
    let time = || {
        let mut command = molt();
        command.args(["trace", "-v", "--duration", "60s", "--pid", &target.pid().to_string(), "-o"]);
        command.arg(folder.path().join("profile.json")).stdin(Stdio::null());
        let began = Instant::now();
        let molt = Running::start(&mut command);
        wait_for("the first sample", || molt.stderr().contains("first sample").then_some(()));
        let time = began.elapsed();
        molt.signal(Signal::SIGINT);
        molt.wait().succeeded();
        time
    };
    assert!((0..3).any(|_| time() < Duration::from_secs(2)), "each took more than 2 s");
}

/// What is known when the target is killed is written, and its end is no failure of molt. A target that is gone
/// before molt has looked at it is named instead.
pub(crate) fn target_that_dies_while_attached_leaves_an_artifact(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let target = target(python);
    let pid = target.pid().to_string();
    let molt = Running::start(molt().args(["trace", "--pid", &pid, "-o"]).arg(&output).stdin(Stdio::null()));
    wait_for("molt to attach", || is_attached(&molt));
    target.signal(Signal::SIGKILL);
    target.wait();
    let ended = molt.wait();
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    if output.exists() {
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        read(&output);
    } else {
        assert_eq!(ended.code(), 125, "{}", ended.stderr);
        assert!(ended.stderr.contains(&pid), "{}", ended.stderr);
    }
}

/// A process that has ended, and one of the kernel's own, are refused in a sentence that names them.
pub(crate) fn process_that_is_not_there_is_reported(_: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    // The kernel's second process is kthreadd, outside of a container.
    for pid in [gone.id(), 2] {
        let pid = pid.to_string();
        let ended = run(molt().args(["trace", "--duration", "100ms", "--pid", &pid, "-o"]).arg(&output));
        assert_eq!(ended.code(), 125, "{}", ended.stderr);
        assert!(ended.stderr.contains(&pid) && !ended.stderr.contains("panicked"), "{}", ended.stderr);
        assert!(!output.exists());
    }
}

/// Each of two tracers sees its own target and nothing of the other's.
pub(crate) fn two_tracers_do_not_disturb_each_other(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let outputs = ["recursion", "closures"].map(|name| (name, folder.path().join(name)));
    let running = outputs.each_ref().map(|(name, output)| {
        let mut command = molt_trace(output, python);
        Running::start(command.arg(format!("{name}.py")).env("MOLT_TEST_SECONDS", "0.5").stdin(Stdio::null()))
    });
    for molt in running {
        molt.wait().succeeded();
    }
    let [recursion, closures] = outputs.map(|(_, output)| read(&output).symbols);
    assert!(recursion.contains_key("__main__.fib") && !recursion.contains_key("__main__.main"));
    assert!(closures.contains_key("__main__.main") && !closures.contains_key("__main__.fib"));
}
