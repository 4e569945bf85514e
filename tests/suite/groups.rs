//! Control groups: what runs in one is found, and what one of them kills is seen to die.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use molt_mpa::model::{EventKind, ProcessRole};
use nix::sys::signal::Signal;

use super::attach::target;
use super::tree::{another, attach, processes, ran, traced, watch_for_a_while};
use crate::support::artifact::{molt, molt_trace, read};
use crate::support::process::{Running, wait_for};
use crate::support::pythons::{Interpreter, at_home};
use crate::support::required::leave_out;

/// Where the machine has control groups that can be made: a new one, removed when this is dropped.
struct Group(PathBuf);

impl Group {
    /// One of the first of these file systems that has such.
    fn under(mounts: &[&str]) -> Option<Self> {
        let made = |mount: &&str| {
            let group = Self(Path::new(mount).join(format!("molt-test-{}", std::process::id())));
            (fs::create_dir(&group.0).is_ok() && group.0.join("cgroup.procs").is_file()).then_some(group)
        };
        mounts.iter().find_map(made)
    }

    fn new() -> Option<Self> {
        Self::under(&["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids"])
    }

    /// One whose processes may have so many bytes of memory: of version 1 of control groups, or of version 2.
    fn with_memory(bytes: u32) -> Option<Self> {
        let limited = |(mount, file): (&str, &str)| {
            let group = Self::under(&[mount])?;
            fs::write(group.0.join(file), bytes.to_string()).ok().map(|()| group)
        };
        let first = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes");
        [first, ("/sys/fs/cgroup", "memory.max")].into_iter().find_map(limited)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// A process of each in a control group and outside of it.
fn workers(python: &Interpreter, group: &Path) -> [Running; 2] {
    let inside = target(python);
    fs::write(group.join("cgroup.procs"), inside.pid().to_string()).unwrap();
    [inside, target(python)]
}

/// Interpreters in a control group, one that was there and one that begins in it later; not what is outside.
pub(crate) fn pythons_of_a_control_group_are_found(python: &Interpreter) {
    let Some(group) = Group::new() else {
        return leave_out("a control group that can be made");
    };
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let targets = workers(python, &group.0);
    let mut command = molt();
    let tracer = attach(command.args(["trace", "--mode", "sample", "--cgroup"]).arg(&group.0), &output, 1);
    let other = another(python);
    let mut later = Command::new("sh");
    at_home(&mut later);
    later.args(["-c", "echo $$ > \"$1\"; exec \"$2\" waits.py", "sh"]).arg(group.0.join("cgroup.procs"));
    let later = Running::start(later.arg(&other.path).stdin(Stdio::piped()));
    wait_for("molt to find the later one", || tracer.stderr().contains(&other.version).then_some(()));
    watch_for_a_while();
    tracer.signal(Signal::SIGTERM);
    tracer.wait().succeeded();
    let artifact = read(&output);
    let mut versions: Vec<_> = processes(&artifact, ProcessRole::Main)
        .into_iter()
        .map(|process| (process.python_version.clone().unwrap(), process.samples > 0))
        .collect();
    versions.sort();
    let mut expected = [(python.version.clone(), true), (other.version.clone(), true)];
    expected.sort();
    assert_eq!(versions, expected);
    drop((targets, later));
}

/// A worker that the kernel kills because its control group has no more memory leaves what it did; its parent, and the
/// worker in its place, are seen as if nothing had been.
pub(crate) fn worker_that_the_kernel_kills_for_its_memory_is_seen(python: &Interpreter) {
    let Some(group) = Group::with_memory(48 << 20) else {
        let required = std::env::var("MOLT_LIVE").is_ok_and(|value| value == "require");
        assert!(!required, "no control group with a limit of memory can be made here");
        return leave_out("a control group with a limit of memory that can be made");
    };
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut command = molt_trace(&output, python);
    let (artifact, ended) = traced(command.arg("tree/memory.py").arg(&group.0), &output);
    assert_eq!(ended.stdout, "killed by 9\n", "{}", ended.stderr);
    for function in ["grow", "work_instead", "parent"] {
        assert!(ran(&artifact, function), "{function}: {:#?}", artifact.hotspots);
    }
    let workers = processes(&artifact, ProcessRole::Fork);
    assert!(workers.len() == 2 && workers.iter().all(|worker| worker.samples > 0), "{workers:#?}");
    let ends = artifact.events.iter().filter(|event| matches!(event.what, EventKind::ProcessEnd { .. }));
    assert_eq!(ends.count(), 3, "{:#?}", artifact.events);
}
