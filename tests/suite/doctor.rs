//! `molt doctor` with all, some and no privileges.
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::identity::{NOBODY, as_nobody};
use crate::support::artifact::molt;
use crate::support::process::{Ended, Running, run, wait_for};
use crate::support::pythons::{Interpreter, at_home};
use crate::support::unsupported::unsupported;

/// A copy of molt that every user can reach, in a folder that is removed with it.
pub(crate) struct Copy(tempfile::TempDir);

impl Copy {
    pub(crate) fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::copy(molt().get_program(), folder.path().join("molt")).unwrap();
        Self(folder)
    }

    pub(crate) fn molt(&self) -> PathBuf {
        self.0.path().join("molt")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// A command line that runs what follows as nobody, with these capabilities (`+bpf,+perfmon`) alone.
pub(crate) fn with_capabilities(capabilities: &str) -> Command {
    let mut command = Command::new("setpriv");
    let nobody = NOBODY.to_string();
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
    for set in ["--inh-caps", "--ambient-caps", "--bounding-set"] {
        command.arg(format!("{set}=-all,{capabilities}"));
    }
    at_home(&mut command);
    command.arg("--").current_dir("/");
    command
}

/// The report as JSON, whose keys must be sorted at every level, and its exit status.
fn report(command: &mut Command) -> (Value, i32) {
    report_on(command, &[])
}

/// The same of an interpreter.
fn report_on(command: &mut Command, subject: &[&OsStr]) -> (Value, i32) {
    let ended = run(command.args(["doctor", "--json"]).args(subject));
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
    (parse(&ended), ended.code())
}

fn parse(ended: &Ended) -> Value {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut keys = Vec::new();
    for line in ended.stdout.lines() {
        let depth = line.len() - line.trim_start().len();
        keys.truncate(depth / 2 + 1);
        keys.resize(depth / 2 + 1, "");
        if let Some((key, _)) = line.trim_start().split_once("\": ") {
            assert!(keys.last().is_some_and(|before| *before < key), "{key} is not in order");
            *keys.last_mut().unwrap() = key;
        }
    }
    report
}

fn fact<'report>(report: &'report Value, group: &str, name: &str, of: &str) -> &'report Value {
    &report[group][name][of]
}

/// The version, and where each thread's state is found, of a file and of a process that runs it.
pub(crate) fn doctor_describes_the_interpreter(python: &Interpreter) {
    let (file, status) = report_on(&mut molt(), &["--python".as_ref(), python.binary.as_os_str()]);
    let mut target = Running::start(python.start().arg("waits.py").stdin(Stdio::piped()));
    wait_for("the target to be ready", || {
        assert!(!target.has_ended(), "{}", target.stderr());
        target.stdout().starts_with("ready").then_some(())
    });
    let pid = target.pid().to_string();
    let (process, status_of_process) = report_on(&mut molt(), &["--pid".as_ref(), pid.as_ref()]);
    for (report, status) in [(&file, status), (&process, status_of_process)] {
        assert_eq!(status, 0, "{report:#}");
        assert_eq!(report["verdict"], "all");
        assert_eq!(fact(report, "interpreter", "version", "value"), &Value::from(python.version.as_str()));
        assert_eq!(fact(report, "sections", "modules", "value"), "complete");
        assert_eq!(fact(report, "sections", "call_counts", "by"), &serde_json::json!(["calls"]));
        let cost = &fact(report, "hooks", "calls", "value")["ns_per_hit"];
        assert!(cost.as_u64().is_some_and(|ns| (50..100_000).contains(&ns)), "{cost}");
        let collections = fact(report, "hooks", "collections", "remedy");
        assert_eq!(collections.is_string(), !python_has_probes(report), "{collections}");
        let way = if python.minor() >= 15 { "thread list" } else { "per-thread key" };
        assert_eq!(fact(report, "interpreter", "thread_state", "value"), way);
        let compared = python.minor() >= 13;
        assert_eq!(fact(report, "interpreter", "debug_offsets", "value") == "agree", compared);
    }
    for name in ["build_id", "linkage", "stripped", "usdt_probes"] {
        assert_eq!(file["interpreter"][name], process["interpreter"][name], "{name}");
    }
}

/// Whether an interpreter was built with USDT probes.
fn python_has_probes(report: &Value) -> bool {
    fact(report, "interpreter", "usdt_probes", "value").as_object().is_some_and(|probes| !probes.is_empty())
}

/// Each set of capabilities gives what it gives, and what is missing is named with a command.
pub(crate) fn doctor_tells_what_each_capability_gives(_: &Interpreter) {
    let copy = Copy::new();
    let sets: [(&str, &str, i32, Option<&str>); 4] = [
        ("+sys_admin,+sys_ptrace", "all", 0, None),
        ("+bpf,+perfmon", "some", 1, Some("molt lacks CAP_SYS_PTRACE")),
        ("+bpf", "some", 1, Some("molt lacks CAP_PERFMON, CAP_SYS_PTRACE")),
        ("+perfmon", "some", 1, Some("molt lacks CAP_BPF, CAP_SYS_PTRACE")),
    ];
    for (set, verdict, status, lack) in sets {
        let (report, ended) = report(with_capabilities(set).arg(copy.molt()));
        assert_eq!((report["verdict"].as_str(), ended), (Some(verdict), status), "{set}: {report:#}");
        let backend = if set.contains(',') { "ebpf" } else { "procmem" };
        assert_eq!(fact(&report, "backend", "chosen", "value"), backend, "{set}");
        let capabilities = &report["privileges"]["capabilities"];
        assert_eq!(capabilities["note"].as_str(), lack, "{set}");
        let remedy = lack.map(|_| format!("sudo {} doctor --json", copy.molt().display()));
        assert_eq!(capabilities["remedy"].as_str(), remedy.as_deref(), "{set}");
    }
    let table = run(as_nobody().arg(copy.molt()).arg("doctor"));
    assert_eq!(table.code(), 1, "{}", table.stderr);
    assert!(table.stdout.contains("molt lacks CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE"), "{}", table.stdout);
    let chosen = table.stdout.lines().find(|line| line.contains("chosen")).unwrap();
    assert!(chosen.contains("procmem") && chosen.contains("sampled from outside"), "{chosen}");
}

/// Namespaces of molt's own, and parts of the kernel's files that a container may hide. A pid namespace takes nothing
/// away where `/proc` shows the same one.
pub(crate) fn doctor_tells_what_namespaces_take_away(_: &Interpreter) {
    let unshared = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        at_home(&mut command);
        command.args(arguments).arg(molt().get_program());
        report(&mut command)
    };
    let hidden = |folder: &str| {
        let script = format!("mount -t tmpfs none {folder} && exec \"$@\"");
        unshared(&["--mount", "sh", "-c", &script, "sh"])
    };
    let cases = [
        (unshared(&["--user", "--map-root-user"]), 1, "privileges", "user_namespace"),
        (unshared(&["--pid", "--fork"]), 1, "privileges", "pid_namespace"),
        (hidden("/sys/kernel/btf"), 1, "kernel", "btf"),
        (hidden("/sys/bus/event_source"), 1, "kernel", "uprobes"),
    ];
    for ((report, status), expected, group, name) in cases {
        assert_eq!(status, expected, "{name}: {report:#}");
        assert_eq!(fact(&report, group, name, "state"), "lacking", "{name}");
        assert!(fact(&report, group, name, "remedy").is_string(), "{name}");
    }
    let (inside, status) = unshared(&["--pid", "--fork", "--mount-proc"]);
    assert_eq!(status, 0, "{inside:#}");
    assert_eq!(fact(&inside, "privileges", "pid_namespace", "value"), true);
}

/// Files that are no interpreter, or one that molt does not know, are refused in a sentence that names them.
pub(crate) fn doctor_refuses_what_is_no_interpreter(_: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("shim");
    fs::write(&script, "#!/usr/bin/env bash\nexec python\n").unwrap();
    let files = [Path::new("/bin/sh"), Path::new("/dev/zero"), Path::new("/absent"), folder.path(), &script];
    let unsupported = unsupported();
    let named = unsupported.iter().map(|python| (python.binary.as_path(), python.what.as_str()));
    for (path, what) in files.into_iter().map(|path| (path, "")).chain(named) {
        let (report, status) = report_on(&mut molt(), &["--python".as_ref(), path.as_os_str()]);
        assert_eq!(status, 2, "{}: {report:#}", path.display());
        let note = fact(&report, "interpreter", "found", "note").as_str().unwrap();
        assert!(note.contains(path.to_str().unwrap()) && note.contains(what), "{what}: {note}");
        assert_eq!(fact(&report, "programs", "sampler", "value"), true, "the machine is not to blame");
    }
}
