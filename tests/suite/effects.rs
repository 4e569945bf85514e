//! What functions do to the world, against what the interpreter itself tells.
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Stdio;

use molt_mpa::ids::Sha256Hash;
use molt_mpa::model::{Artifact, EffectKind, EventKind, Observation, Section, Status};
use molt_user::discover::{Finding, Inspector, Process};

use super::attach::target;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::support::artifact::{molt, trace_exact};
use crate::support::process::{Running, run, wait_for};
use crate::support::program::{Program, script};
use crate::support::pythons::Interpreter;

const PROGRAM: Program = script("effects");

/// Counts of audit events by function and event, as `sys.addaudithook` tells them in the same program.
fn oracle(python: &Interpreter) -> BTreeMap<String, u64> {
    let ended = run(python.start().args(["effects.py", "oracle"]));
    let ended = ended.succeeded();
    let counts = ended.stdout.lines().map(|line| {
        let (key, count) = line.rsplit_once(' ').unwrap();
        (key.to_owned(), count.parse().unwrap())
    });
    counts.collect()
}

/// The functions of the program with their effects.
pub(super) fn effects(artifact: &Artifact) -> impl Iterator<Item = (&str, &molt_mpa::model::Effect)> {
    let own = artifact.symbols.values().filter(|symbol| symbol.module == "__main__");
    own.flat_map(|symbol| symbol.effects.iter().map(|effect| (symbol.qualname.as_str(), effect)))
}

/// Each function has the effects that it has, and a pure one has none.
pub(crate) fn each_function_has_its_effects(python: &Interpreter) {
    let (artifact, traced) = trace_exact(python, &PROGRAM);
    let kinds = |function: &str| -> BTreeSet<EffectKind> {
        effects(&artifact).filter(|(name, _)| *name == function).map(|(_, effect)| effect.effect).collect()
    };
    for (function, effect) in [
        ("opens", EffectKind::FsRead),
        ("writes", EffectKind::FsWrite),
        ("connects", EffectKind::Net),
        ("starts", EffectKind::Process),
        ("clock", EffectKind::Time),
        ("draws", EffectKind::Random),
        ("compiles", EffectKind::Code),
    ] {
        assert!(kinds(function).contains(&effect), "{function}: {:?}\n{}", kinds(function), traced.stderr);
    }
    let five = kinds("all_five");
    assert!(
        [EffectKind::FsRead, EffectKind::Net, EffectKind::Process, EffectKind::Time, EffectKind::Random]
            .iter()
            .all(|kind| five.contains(kind)),
        "{five:?}"
    );
    assert_eq!(kinds("pure"), BTreeSet::new());
    assert!(
        !kinds("opens").contains(&EffectKind::FsWrite)
            && kinds("clock") == BTreeSet::from([EffectKind::Time])
    );
    let state = &artifact.collector.sections[Section::SymbolsEffects.name()];
    assert_ne!(state.status, Status::Unavailable, "{state:?}");
}

/// Audit events are counted as the interpreter's own hook sees them, one by one.
pub(crate) fn audit_events_are_as_the_hook_sees_them(python: &Interpreter) {
    let mut truth = oracle(python);
    let (artifact, traced) = trace_exact(python, &PROGRAM);
    let has_probe = artifact.collector.sections[Section::SymbolsEffects.name()]
        .reason
        .as_ref()
        .is_none_or(|reason| !reason.contains("sys.audit"));
    if !has_probe {
        assert_eq!(truth.remove("own molt.test.event"), Some(3));
    }
    let functions: BTreeSet<String> =
        truth.keys().map(|key| key.split(' ').next().unwrap().to_owned()).collect();
    let mut seen = BTreeMap::new();
    for (function, effect) in effects(&artifact) {
        let is_audit = !effect.event.starts_with("sys:");
        if is_audit && functions.contains(function) && function != "<module>" {
            assert_eq!(effect.observation, Observation::Exact);
            *seen.entry(format!("{function} {}", effect.event)).or_default() += effect.count;
        }
    }
    assert_eq!(seen, truth, "\n{}", traced.stderr);
    let opened = artifact.events.iter().find_map(|event| match &event.what {
        EventKind::Audit { event, symbol: Some(symbol), arguments }
            if event == "open" && symbol == "__main__.opens" =>
        {
            Some(arguments)
        }
        _ => None,
    });
    let [path, mode, flags] = opened.map(Vec::as_slice).unwrap_or_default() else {
        panic!("open has the arguments {opened:?}\n{}", traced.stderr)
    };
    assert_eq!((path.type_name.as_str(), path.value.clone()), ("str", Some(hashed("/dev/null"))));
    assert_eq!((mode.type_name.as_str(), mode.value.clone()), ("str", Some(hashed("r"))));
    assert_eq!((flags.type_name.as_str(), &flags.value), ("int", &None));
}

/// What the artifact says for `text`.
fn hashed(text: &str) -> String {
    Sha256Hash::of(text.as_bytes()).to_string()
}

/// The counters of an interpreter's probes in a process, by name: each with its address.
fn semaphores(pid: Pid) -> Vec<(String, u64)> {
    let process = Process::read(pid.as_raw()).unwrap();
    let Ok(Finding::Python(interpreter)) = Inspector::default().inspect(&process) else {
        panic!("process {pid} is no Python")
    };
    let address = |offset: u64| {
        interpreter.build.elf.segments.iter().find_map(|segment| {
            let into = offset.checked_sub(segment.offset)?;
            (into < segment.file_bytes).then(|| interpreter.load_bias.wrapping_add(segment.address + into))
        })
    };
    let probes = interpreter.build.probes.iter();
    probes.map(|probe| (probe.name.clone(), address(probe.semaphore_offset.unwrap()).unwrap())).collect()
}

/// What the 16-bit counter at `address` of process `pid` holds.
fn counter(pid: Pid, address: u64) -> u16 {
    let mut bytes = [0; 2];
    File::open(format!("/proc/{pid}/mem")).unwrap().read_exact_at(&mut bytes, address).unwrap();
    u16::from_le_bytes(bytes)
}

/// The counters of the probes that are used are above zero while molt runs, those of others never, and all are back
/// at zero when molt has ended or was killed.
pub(crate) fn semaphores_are_back_at_zero(python: &Interpreter) {
    const USED: [&str; 5] =
        ["audit", "gc__start", "gc__done", "import__find__load__start", "import__find__load__done"];
    let mut target = target(python);
    let pid = target.pid();
    let all = semaphores(pid);
    if python.name.starts_with("pyenv") {
        return assert!(all.is_empty(), "{all:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        assert!(all.iter().all(|(_, address)| counter(pid, *address) == 0));
        let mut command = molt();
        command.args(["trace", "--mode", "exact", "--pid", &pid.to_string(), "-o"]);
        let mut molt = Running::start(command.arg(folder.path().join("profile.json")).stdin(Stdio::null()));
        for name in USED {
            let places: Vec<_> = all.iter().filter(|(found, _)| found == name).collect();
            assert!(!places.is_empty(), "no {name}");
            wait_for("the counter to be raised", || {
                assert!(!molt.has_ended(), "{}", molt.stderr());
                places.iter().all(|(_, address)| counter(pid, *address) > 0).then_some(())
            });
        }
        let others = all.iter().filter(|(name, _)| !USED.contains(&name.as_str()));
        assert!(others.into_iter().all(|(_, address)| counter(pid, *address) == 0));
        molt.signal(signal);
        wait_for("molt to end", || molt.has_ended().then_some(()));
        wait_for("every counter to be zero", || {
            all.iter().all(|(_, address)| counter(pid, *address) == 0).then_some(())
        });
    }
    drop(target.stdin());
    assert!(target.wait().succeeded().stdout.ends_with("done\n"));
}
