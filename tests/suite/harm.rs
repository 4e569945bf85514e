//! Nothing is harmed: a service answers every request, whatever happens to molt beside it.
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::attach::{samples, target};
use crate::support::artifact::{molt, read};
use crate::support::figures::{churn, cycles, is_long, note, stop};
use crate::support::process::{Ended, Running, run, wait_for};
use crate::support::pythons::{Interpreter, root};
use crate::support::required::leave_out;
use crate::support::service::{Load, Service};

/// Attaches to a process and watches it for so long, or until it ends.
fn attach(pid: i32, duration: &str, output: &Path) -> Running {
    let mut command = molt();
    command.args(["trace", "--duration", duration, "--pid", &pid.to_string(), "-o"]).arg(output);
    Running::start(command.stdin(Stdio::null()))
}

/// molt comes and goes.
pub(crate) fn nothing_is_harmed_by_attaching_and_detaching(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let service = Service::start(python);
    let rest = Duration::from_secs(if is_long() { 10 } else { 1 });
    let before = service.speed(rest);
    for _ in 0..cycles() {
        attach(service.pid(), "100ms", &output).wait().succeeded();
        read(&output);
    }
    let after = service.speed(rest);
    report("attach and detach", service.end());
    note("speed after attaching and detaching, against before", &format!("{:.3}", after / before));
    // Twice as slow would be a probe that was left behind; less is what else runs on the machine.
    assert!(after > before / 2.0, "{after} answers a second after {before}");
}

/// molt is killed at any moment: while it loads, attaches, watches and writes.
pub(crate) fn nothing_is_harmed_by_killing_molt(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(python);
    for cycle in 0..cycles() {
        let molt = attach(service.pid(), "300ms", &folder.path().join("profile.json"));
        // Prime to the length of a run, so that many cycles meet every part of it.
        thread::sleep(Duration::from_millis(u64::from(cycle) * 271 % 1500));
        molt.signal(Signal::SIGKILL);
        molt.wait();
    }
    report("attach and kill molt", service.end());
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left = names.filter(|name| name != "profile.json").count();
    note("unfinished files left behind by killed molts", &left.to_string());
}

/// The target is killed while molt watches: molt says what it has seen, or that there was nothing.
pub(crate) fn nothing_is_harmed_by_killing_the_target(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    for cycle in 0..cycles() {
        let output = folder.path().join(cycle.to_string());
        let target = target(python);
        let molt = attach(target.pid().as_raw(), "60s", &output);
        wait_for("molt to sample", || samples(molt.pid().as_raw()));
        thread::sleep(Duration::from_millis(u64::from(cycle) * 37 % 200));
        target.signal(Signal::SIGKILL);
        target.wait();
        let ended: Ended = molt.wait();
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        if output.exists() {
            read(&output);
            assert_eq!(ended.code(), 0, "{}", ended.stderr);
        } else {
            assert!(ended.code() == 125 && ended.stderr.contains("ended"), "{}", ended.stderr);
        }
    }
    note("attach and kill the target, cycles", &cycles().to_string());
}

/// molt stands still: its buffers fill, the service goes on, and the artifact counts what was lost. How fast it goes on
/// depends on whether a window was open, whose probes nobody takes away meanwhile.
pub(crate) fn nothing_is_harmed_by_stopping_molt(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let service = Service::start(python);
    let alone = service.speed(Duration::from_secs(1));
    let molt = attach(service.pid(), "60s", &output);
    wait_for("molt to sample", || samples(molt.pid().as_raw()));
    molt.signal(Signal::SIGSTOP);
    let stopped = service.speed(stop());
    molt.signal(Signal::SIGCONT);
    molt.signal(Signal::SIGINT);
    molt.wait().succeeded();
    let artifact = read(&output);
    let lost = artifact.collector.samples.unwrap().lost;
    report("molt stopped", service.end());
    note(
        &format!("speed while molt stood still for {:?}, against before it came", stop()),
        &format!("{:.3}", stopped / alone),
    );
    note("samples lost while molt stood still", &lost.to_string());
    assert!(stopped > 0.0, "nothing was answered while molt stood still");
}

/// Two molts watch one target, and each sees what there is to see.
pub(crate) fn two_molts_watch_one_target(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(python);
    let outputs = ["first", "second"].map(|name| folder.path().join(name));
    let molts = outputs.each_ref().map(|output| attach(service.pid(), "2s", output));
    for molt in molts {
        molt.wait().succeeded();
    }
    for output in &outputs {
        let artifact = read(output);
        assert!(artifact.symbols.contains_key("__main__.share"), "{:?}", artifact.symbols.keys());
        assert!(artifact.collector.samples.unwrap().kept > 0);
    }
    report("two molts at once", service.end());
}

/// Attaching needs no ptrace, so a debugger may hold the target, and goes on holding it.
pub(crate) fn debugger_and_molt_share_a_target(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let target = target(python);
    let pid = target.pid().as_raw();
    nix::sys::ptrace::seize(Pid::from_raw(pid), nix::sys::ptrace::Options::empty()).unwrap();
    run(molt().args(["trace", "--duration", "300ms", "--pid", &pid.to_string(), "-o"]).arg(&output))
        .succeeded();
    assert!(read(&output).symbols.contains_key("__main__.work"));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).unwrap();
    assert_eq!(held.trim(), std::process::id().to_string());
    // To be held at the end needs ptrace: molt says who has it.
    let mut pausing = molt();
    pausing.args(["trace", "--pause-at-exit", "--duration", "300ms", "--pid", &pid.to_string(), "-o"]);
    let refused = run(pausing.arg(&output)).with_code(125);
    assert!(
        refused.stderr.contains(&format!("(process {}) does already", std::process::id())),
        "{}",
        refused.stderr
    );
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

/// Tools that trace, sample or debug the same target: molt sees what it sees without them, and they go on.
pub(crate) fn other_tools_and_molt_share_a_target(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let [output, theirs] = ["profile.json", "theirs"].map(|name| folder.path().join(name));
    let mut target = target(python);
    let pid = target.pid().to_string();
    let theirs = theirs.to_str().unwrap();
    // Where the comparison of `cargo xtask bench` has put it; nothing else here needs the package index.
    let py_spy = root().join(".molt/bench/venv/bin/py-spy");
    let tools: [&[&str]; 4] = [
        &["strace", "-f", "-o", theirs, "-p", &pid],
        &["perf", "record", "-q", "-o", theirs, "-p", &pid],
        &["gdb", "-batch", "-ex", "continue", "-p", &pid],
        &[py_spy.to_str().unwrap(), "record", "--duration", "60", "--output", theirs, "--pid", &pid],
    ];
    for tool in tools {
        if Command::new(tool[0]).arg("--version").output().is_err() {
            if py_spy != Path::new(tool[0]) {
                leave_out(tool[0]);
            }
            continue;
        }
        let mut tool = Running::start(Command::new(tool[0]).args(&tool[1..]).stdin(Stdio::null()));
        thread::sleep(Duration::from_millis(500));
        attach(target.pid().as_raw(), "300ms", &output).wait().succeeded();
        assert!(read(&output).symbols.contains_key("__main__.work"), "{}", tool.stderr());
        assert!(!tool.has_ended(), "{}", tool.stderr());
    }
    drop(target.stdin());
    assert!(target.wait().succeeded().stdout.ends_with("done\n"));
}

/// How long the target stands still by itself while molt attaches, opens and closes windows, and detaches; as the
/// target measures it, and what it measures without molt.
pub(crate) fn target_does_not_stand_still(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let measure = |with_molt: bool| -> [u64; 3] {
        let mut target = Running::start(python.start().arg("pauses.py").stdin(Stdio::piped()));
        wait_for("the target to be ready", || target.stdout().starts_with("ready").then_some(()));
        for _ in 0..cycles() {
            if with_molt {
                attach(target.pid().as_raw(), "1s", &folder.path().join("profile.json")).wait().succeeded();
            } else {
                thread::sleep(Duration::from_secs(1));
            }
        }
        drop(target.stdin());
        let said = target.wait().succeeded().stdout;
        let words: Vec<u64> =
            said.lines().last().unwrap().split(' ').map(|word| word.parse().unwrap()).collect();
        [words[0], words[1], words[2]]
    };
    let [alone, watched] = [measure(false), measure(true)];
    for (name, [longest, tenth, slept]) in [("alone", alone), ("watched", watched)] {
        note(
            &format!("longest pause of a target {name}"),
            &format!("{longest} µs, the tenth longest {tenth} µs, the longest wait for a lock {slept} µs"),
        );
    }
    // Far above what is meant, since a busy virtual machine stands still by itself.
    assert!(watched[1] < 20_000.max(10 * alone[1]), "{watched:?} µs, without molt {alone:?} µs");
}

/// molt's own memory while the target makes code objects and classes without end: caches fill, and then it stays.
pub(crate) fn memory_of_molt_stays_flat(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut target = Running::start(python.start().arg("churn.py").stdin(Stdio::piped()));
    wait_for("the target to be ready", || target.stdout().starts_with("ready").then_some(()));
    let mut command = molt();
    command.args(["trace", "--mode", "exact", "--pid", &target.pid().to_string(), "-o"]).arg(&output);
    let molt = Running::start(command.stdin(Stdio::null()));
    wait_for("molt to sample", || samples(molt.pid().as_raw()));
    let part = churn() / 4;
    let [.., early, late] = [(); 4].map(|()| {
        thread::sleep(part);
        resident(molt.pid().as_raw())
    });
    molt.signal(Signal::SIGINT);
    molt.wait().succeeded();
    drop(target.stdin());
    let said = target.wait().succeeded().stdout;
    let made = said.trim().rsplit(' ').next().unwrap();
    let loss = read(&output).collector.loss;
    note(
        &format!("molt's memory after {:?} of a target that makes classes without end", part * 4),
        &format!("{late} kB, {early} kB at three quarters of it; {made} classes, {loss:?} lost"),
    );
    assert!(late < early + early / 4, "{early} kB, then {late} kB");
}

/// What is in a process's memory, in kB.
fn resident(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn report(what: &str, load: Load) {
    let Load { answered, longest } = load;
    note(&format!("{what}: requests answered of those made"), &format!("{answered} of {answered}"));
    note(&format!("{what}: longest wait for an answer"), &format!("{:.1} ms", longest.as_secs_f64() * 1e3));
    assert!(answered > 0);
}
