//! Process trees: children however they are made, workers that die, threads by the thousand.
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use molt_mpa::model::{Artifact, EventKind, Process, ProcessRole};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::support::artifact::{molt, molt_trace, read};
use crate::support::process::{Ended, Running, run, wait_for};
use crate::support::pythons::{self, Interpreter};

/// Runs a command under molt.
pub(super) fn traced(command: &mut Command, output: &Path) -> (Artifact, Ended) {
    let ended = run(command).succeeded();
    (read(output), ended)
}

/// Whether samples fell into a function of this name, whatever the module: `multiprocessing` renames `__main__`.
pub(super) fn ran(artifact: &Artifact, function: &str) -> bool {
    artifact.hotspots.iter().any(|row| row.symbol.rsplit('.').next() == Some(function))
}

pub(super) fn processes(artifact: &Artifact, role: ProcessRole) -> Vec<&Process> {
    artifact.collector.processes.iter().filter(|process| process.role == role).collect()
}

fn count(artifact: &Artifact, wanted: impl Fn(&EventKind) -> bool) -> usize {
    artifact.events.iter().filter(|event| wanted(&event.what)).count()
}

/// Starts molt with more options and waits until it has found so many interpreters.
pub(super) fn attach(command: &mut Command, output: &Path, pythons: usize) -> Running {
    command.args(["-F", "999", "-v", "-o"]).arg(output).stdin(Stdio::null());
    let mut molt = Running::start(command);
    wait_for("molt to find the interpreters", || {
        assert!(!molt.has_ended(), "{}", molt.stderr());
        (molt.stderr().matches("interpreter found").count() >= pythons).then_some(())
    });
    molt
}

/// Lets molt see a program at work.
pub(super) fn watch_for_a_while() {
    std::thread::sleep(std::time::Duration::from_millis(800));
}

/// fork, vfork, posix_spawn and the three ways of multiprocessing: the functions of each child are seen, and which
/// process gave how many samples is told.
pub(crate) fn each_way_to_make_a_process_is_followed(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let (artifact, _) = traced(molt_trace(&output, python).arg("tree/ways.py"), &output);
    for function in ["by_fork", "by_spawn", "by_forkserver", "by_posix_spawn", "by_subprocess"] {
        assert!(ran(&artifact, function), "{function}: {:#?}", artifact.hotspots);
    }
    let sampled = artifact.collector.processes.iter().filter(|process| process.samples > 20);
    assert!(sampled.count() >= 5, "{:#?}", artifact.collector.processes);
    let all: u64 = artifact.collector.processes.iter().map(|process| process.samples).sum();
    assert_eq!(all, artifact.collector.samples.unwrap().kept);
    for process in &artifact.collector.processes {
        assert_eq!(process.python_version.as_deref(), Some(python.version.as_str()));
    }
}

/// A child may run another version, which is told.
pub(crate) fn child_of_another_version_is_followed(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let other = another(python);
    let code = "import subprocess, sys; subprocess.run([sys.argv[1], 'tree/family.py'], check=True)";
    let (artifact, _) = traced(molt_trace(&output, python).args(["-c", code]).arg(&other.path), &output);
    let versions: BTreeSet<_> =
        artifact.collector.processes.iter().filter_map(|process| process.python_version.clone()).collect();
    assert_eq!(versions, BTreeSet::from([python.version.clone(), other.version.clone()]));
    for function in ["first", "second", "parent"] {
        assert!(ran(&artifact, function), "{function}: {:#?}", artifact.hotspots);
    }
}

/// An interpreter of another version.
pub(crate) fn another(python: &Interpreter) -> Interpreter {
    let other = |other: &Interpreter| other.supported && other.minor() != python.minor();
    pythons::list().into_iter().find(other).unwrap_or_else(|| panic!("there is one version only"))
}

/// Programs that are no Python are counted and not listed, and with --no-follow no child is.
pub(crate) fn what_is_no_python_is_counted(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let script = "for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done; \"$@\"; exit 0";
    let mut command = molt();
    command.args(["trace", "--mode", "sample", "-F", "999", "-o"]).arg(&output);
    command.args(["--", "sh", "-c", script, "sh"]).arg(&python.path).arg("tree/family.py");
    let (artifact, _) = traced(&mut command, &output);
    assert_eq!(artifact.collector.other_processes, 10);
    assert_eq!(artifact.collector.processes.len(), 4, "{:#?}", artifact.collector.processes);

    let mut command = molt_trace(&output, python);
    let place = command.get_args().position(|argument| argument == "--").unwrap();
    let mut arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    arguments.insert(place, "--no-follow".into());
    command = molt();
    let (artifact, _) = traced(command.args(arguments).arg("tree/family.py"), &output);
    assert!(ran(&artifact, "parent") && !ran(&artifact, "first"), "{:#?}", artifact.hotspots);
    assert_eq!(artifact.collector.processes.len(), 1, "{:#?}", artifact.collector.processes);
}

/// molt attaches to a server: workers that are there are followed, one is killed, the one in its place is followed as
/// well. SIGTERM ends molt, which writes, and the server goes on.
pub(crate) fn workers_of_a_server_are_followed(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut server = Running::start(python.start().arg("tree/server.py").stdin(Stdio::piped()));
    let workers: Vec<i32> = wait_for("the server to be ready", || {
        assert!(!server.has_ended(), "{}", server.stderr());
        let said = server.stdout();
        let pids = said.strip_prefix("ready ")?.strip_suffix('\n')?;
        Some(pids.split(' ').map(|pid| pid.parse().unwrap()).collect())
    });
    let pid = server.pid().to_string();
    let tracer = attach(molt().args(["trace", "--pid", &pid]), &output, 1 + workers.len());
    watch_for_a_while();
    signal::kill(Pid::from_raw(workers[0]), Signal::SIGKILL).unwrap();
    wait_for("a worker in its place", || server.stdout().contains("restarted").then_some(()));
    watch_for_a_while();
    tracer.signal(Signal::SIGTERM);
    tracer.wait().succeeded();
    let artifact = read(&output);
    let (main, forked) = (processes(&artifact, ProcessRole::Main), processes(&artifact, ProcessRole::Fork));
    assert_eq!((main.len(), forked.len()), (1, 5), "{:#?}", artifact.collector.processes);
    assert!(forked.iter().all(|worker| worker.parent == Some(0) && worker.samples > 0), "{forked:#?}");
    assert!(ran(&artifact, "handle"), "{:#?}", artifact.hotspots);
    assert!(!server.has_ended(), "{}", server.stderr());
    drop(server.stdin());
    server.wait().succeeded();
}

/// Several processes in one run, each a beginning of its own; it ends when the last of them does.
pub(crate) fn several_processes_are_attached_to(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let targets = [super::attach::target(python), super::attach::target(&another(python))];
    let mut command = molt();
    command.args(["trace", "--pid"]).args(targets.each_ref().map(|target| target.pid().to_string()));
    let tracer = attach(&mut command, &output, 2);
    watch_for_a_while();
    for target in targets {
        target.signal(Signal::SIGKILL);
        target.wait();
    }
    tracer.wait().succeeded();
    let artifact = read(&output);
    let versions: Vec<_> = processes(&artifact, ProcessRole::Main)
        .into_iter()
        .map(|process| (process.python_version.as_deref(), process.samples > 0))
        .collect();
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert!(versions.contains(&(Some(&python.version), true)), "{versions:?}");
}

/// A thousand threads that were there before molt came, which end, and two thousand that live for less than a
/// millisecond: each is seen to come and go, and what they run is seen.
pub(crate) fn threads_by_the_thousand_are_seen(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut crowd = Running::start(python.start().arg("tree/crowd.py").stdin(Stdio::piped()));
    wait_for("the crowd to be there", || {
        assert!(!crowd.has_ended(), "{}", crowd.stderr());
        crowd.stdout().starts_with("ready").then_some(())
    });
    let pid = crowd.pid().to_string();
    let tracer = attach(molt().args(["trace", "--pid", &pid]), &output, 1);
    drop(crowd.stdin());
    assert!(crowd.wait().succeeded().stdout.ends_with("done\n"));
    let ended = tracer.wait().succeeded();
    assert!(!ended.stderr.contains("CPU time is not known"), "{}", ended.stderr);
    let artifact = read(&output);
    for function in ["spin", "brief"] {
        assert!(ran(&artifact, function), "{function}: {:#?}", artifact.hotspots);
    }
    let begun = count(&artifact, |what| matches!(what, EventKind::ThreadStart { .. }));
    let ended = count(&artifact, |what| matches!(what, EventKind::ThreadEnd { .. }));
    assert_eq!((begun, ended), (2000, 2000), "{:?}", artifact.collector.loss);
    assert!(artifact.collector.overhead.unwrap().target_cpu_ms.unwrap().as_micros() > 50_000);
}

/// Every interpreter of the machine, one that was there and one that begins later.
pub(crate) fn every_python_is_found(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let _there = super::attach::target(python);
    let tracer = attach(molt().args(["trace", "--mode", "sample", "--all-python"]), &output, 1);
    let other = another(python);
    let _later = super::attach::target(&other);
    wait_for("molt to find the later one", || tracer.stderr().contains(&other.version).then_some(()));
    watch_for_a_while();
    tracer.signal(Signal::SIGTERM);
    tracer.wait().succeeded();
    let artifact = read(&output);
    for version in [&python.version, &other.version] {
        let is_seen =
            |process: &Process| process.python_version.as_ref() == Some(version) && process.samples > 0;
        assert!(artifact.collector.processes.iter().any(is_seen), "{:#?}", artifact.collector.processes);
    }
}
