//! What looks at a running program show, and what becomes of modules after their import.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use molt_mpa::model::{Artifact, EventKind, ModuleMutation, MutationKind, Observation, Section, Status};

use crate::support::artifact::{molt, molt_trace, read, trace_default, trace_exact};
use crate::support::process::{Running, run, wait_for};
use crate::support::program::{Program, script};
use crate::support::pythons::Interpreter;

const MUTATIONS: Program = script("mutations");
const PATCHED: Program = script("patched");
const LARGE: Program = script("large");
const STRANGE: Program = script("strange_modules");

/// Kind and count of what became of an attribute, and the names of the functions that did it.
type Facts = BTreeMap<(String, String), (u64, BTreeSet<String>)>;

fn word(kind: MutationKind) -> &'static str {
    match kind {
        MutationKind::Add => "add",
        MutationKind::Rebind => "rebind",
        MutationKind::Delete => "delete",
    }
}

fn mutations<'a>(artifact: &'a Artifact, module: &str) -> &'a [ModuleMutation] {
    artifact.modules.get(module).map_or(&[], |module| module.mutations.as_slice())
}

/// Of one line of the program, words.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(' ').collect())
}

/// Every assignment to an attribute of a module is counted as the module itself counts it, with who did it; and
/// collections as the interpreter counts them.
pub(crate) fn assignments_and_collections_are_counted(python: &Interpreter) {
    let oracle = run(python.start().args(["mutations.py", "oracle"])).succeeded();
    let mut truth = Facts::new();
    for line in lines(&oracle.stdout) {
        if let [name, kind, count, by @ ..] = line.as_slice()
            && *name != "generation"
        {
            let by = by.iter().map(ToString::to_string).collect();
            truth.insert((name.to_string(), kind.to_string()), (count.parse().unwrap(), by));
        }
    }
    let (artifact, traced) = trace_exact(python, &MUTATIONS);
    let mut seen = Facts::new();
    for mutation in mutations(&artifact, "mutated") {
        assert_eq!(mutation.observation, Observation::Exact, "{mutation:?}");
        let last = |symbol: &String| symbol.rsplit('.').next().unwrap().to_owned();
        let key = (mutation.attr.clone(), word(mutation.kind).to_owned());
        seen.insert(key, (mutation.count, mutation.by.iter().map(last).collect()));
    }
    // Who added and who deleted is not told apart.
    let all_of = |facts: &Facts| -> BTreeMap<String, BTreeSet<String>> {
        let mut by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ((name, _), (_, functions)) in facts {
            by.entry(name.clone()).or_default().extend(functions.iter().cloned());
        }
        by
    };
    assert_eq!(all_of(&seen), all_of(&truth), "\n{}", traced.stderr);
    let counts = |facts: &Facts| -> BTreeMap<(String, String), u64> {
        facts.iter().map(|(key, (count, _))| (key.clone(), *count)).collect()
    };
    assert_eq!(counts(&seen), counts(&truth), "\n{}", traced.stderr);
    collections_are_as_counted(python, &artifact, &traced.stdout);
}

fn collections_are_as_counted(python: &Interpreter, artifact: &Artifact, said: &str) {
    let mut seen = [0; 3];
    for event in &artifact.events {
        if let EventKind::Gc { generation, collections, .. } = event.what {
            seen[generation as usize] += collections.unwrap_or(1);
        }
    }
    let truth = lines(said).filter_map(|line| match line.as_slice() {
        ["generation", _, count] => count.parse::<u64>().ok(),
        _ => None,
    });
    let truth: Vec<u64> = truth.collect();
    if python.name.starts_with("pyenv") {
        assert_eq!(seen.as_slice(), truth);
    } else {
        // Probes also see the collections of the interpreter's end, and 3.15 counts other generations.
        assert!(seen.iter().sum::<u64>() >= truth.iter().sum::<u64>(), "{seen:?} {truth:?}");
    }
}

/// A counter, a cache that is filled later and a module that is loaded again are different at the last look;
/// mock.patch is counted.
pub(crate) fn changes_between_looks_are_seen(python: &Interpreter) {
    let (artifact, traced) = trace_exact(python, &PATCHED);
    let find = |module: &str, attr: &str, kind: MutationKind| {
        let found =
            mutations(&artifact, module).iter().find(|found| found.attr == attr && found.kind == kind);
        found.unwrap_or_else(|| {
            panic!("{module}.{attr}: {:?}\n{}", mutations(&artifact, module), traced.stderr)
        })
    };
    let by = |mutation: &ModuleMutation| mutation.by.join(" ");
    for (module, attr, function) in [
        ("mutated", "counter", "mutated.bump"),
        ("mutated", "cache", "mutated.fill"),
        ("__main__", "own", "__main__.counts"),
    ] {
        let found = find(module, attr, MutationKind::Rebind);
        assert_eq!(
            (found.observation, by(found).as_str()),
            (Observation::Sampled, function),
            "{module}.{attr}"
        );
    }
    assert_eq!(find("reloaded", "Made", MutationKind::Rebind).observation, Observation::Sampled);
    assert_eq!(find("mutated", "mocked", MutationKind::Rebind).count, 2);
    for kind in [MutationKind::Add, MutationKind::Delete] {
        let found = find("mutated", "created", kind);
        assert_eq!((found.observation, found.count), (Observation::Exact, 1));
        assert!(by(found).contains("mock"), "{found:?}");
    }
    // What the body of the main module assigns while it runs is no mutation.
    assert!(mutations(&artifact, "__main__").iter().all(|found| found.attr == "own"));
}

/// Whatever a program puts into `sys.modules` and raises as events, molt ends well and says what it left out.
pub(crate) fn strange_modules_and_events_are_bounded(python: &Interpreter) {
    let (artifact, traced) = trace_default(python, &STRANGE);
    let loss = |cause: &str| artifact.collector.loss.get(cause).copied().unwrap_or(0);
    assert_eq!(artifact.modules["lazy"].replaced_by.as_deref(), Some("__main__.Lazy"), "{}", traced.stderr);
    assert!(artifact.modules.len() > 10_000, "{}", artifact.modules.len());
    assert_eq!(artifact.collector.sections[Section::Modules.name()].status, Status::Partial);
    for cause in ["unnamed_module", "further_module", "cut_module_name", "large_namespace"] {
        assert!(loss(cause) > 0, "{cause}: {:?}", artifact.collector.loss);
    }
    let names: BTreeSet<&str> =
        mutations(&artifact, "keys").iter().map(|mutation| mutation.attr.as_str()).collect();
    assert!(names.contains("\u{3bb}") && names.iter().all(|name| name.len() <= 8192), "{}", names.len());
    let events: Vec<&str> = artifact
        .symbols
        .values()
        .flat_map(|symbol| &symbol.effects)
        .map(|effect| effect.event.as_str())
        .filter(|event| event.starts_with("molt.") || *event == "?")
        .collect();
    assert!(events.contains(&"molt.\u{fffd}.event") && events.contains(&"?"), "{events:?}");
}

/// Of a dict of ten million keys a part is looked at, wherever molt meets it, and of an instance with very many
/// attributes so many.
pub(crate) fn large_containers_are_looked_at_in_part(python: &Interpreter) {
    let (artifact, traced) = trace_default(python, &LARGE);
    let dict = |name: &str| artifact.containers[&format!("__main__.use#param:{name}")].dict.as_ref().unwrap();
    let numbers = dict("numbers");
    assert_eq!((numbers.length.min, numbers.length.max), (10_000_000, 10_000_000), "{}", traced.stderr);
    assert!(numbers.looked_at <= 64 * numbers.key_sets[0].count, "{numbers:?}");
    assert_eq!((dict("texts").length.max, dict("texts").key_sets[0].keys.len()), (100_000, 64));
    assert!(artifact.types["__main__.Holder"].attrs.contains_key("table"), "{}", traced.stderr);
    assert!(artifact.collector.loss["further_attribute"] > 0, "{:?}", artifact.collector.loss);
}

/// Starts late.py, which ends in this way once its input has.
fn late(python: &Interpreter, way: &[&str]) -> Running {
    let target = Running::start(python.start().arg("late.py").args(way).stdin(Stdio::piped()));
    wait_for("the target to be ready", || target.stdout().starts_with("ready").then_some(()));
    target
}

/// Attaches to a target until it has looked at it, lets it end, and reads what was written.
fn attach_to_the_end(mut target: Running, options: &[&str]) -> Artifact {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let pid = target.pid().to_string();
    let mut command = molt();
    command.args(["trace", "--pid", &pid, "-o"]).arg(&output).args(options).stdin(Stdio::null());
    let molt = Running::start(&mut command);
    wait_for_the_first_look(&molt);
    drop(target.stdin());
    target.wait();
    molt.wait().succeeded();
    read(&output)
}

/// Waits until molt has placed all its probes, which it does when it finds the interpreter, and has looked at it a
/// moment later.
fn wait_for_the_first_look(molt: &Running) {
    let links = || fs::read_dir(format!("/proc/{}/fd", molt.pid())).map_or(0, Iterator::count);
    wait_for("molt to attach", || super::attach::is_attached(molt));
    let mut before = 0;
    wait_for("molt to place its probes", || {
        std::thread::sleep(Duration::from_millis(700));
        let now = links();
        (std::mem::replace(&mut before, now) == now).then_some(())
    });
}

/// A process that molt attached to is held at its end if asked for, so that the module that it has just imported is
/// there; whichever way it ends.
pub(crate) fn attached_process_is_held_at_its_end_if_asked_for(python: &Interpreter) {
    for way in ["return", "exit"] {
        let artifact = attach_to_the_end(late(python, &[way]), &["--pause-at-exit"]);
        assert!(artifact.modules.contains_key("colorsys"), "{way}");
        assert_eq!(artifact.collector.processes[0].looked_before_end_ms, None, "{way}");
        let state = &artifact.collector.sections[Section::Modules.name()];
        assert_eq!(state.status, Status::Complete, "{way}: {state:?}");
    }
}

/// Where nobody looked at the end, the artifact has what the last look before it found, and says how long before that
/// was: after os._exit or a signal of a process that is not held, and after an exec, which no hold can precede.
pub(crate) fn age_of_the_last_look_is_told(python: &Interpreter) {
    for way in [&["exit"][..], &["signal", "11"]] {
        let attached = attach_to_the_end(late(python, way), &[]);
        assert!(attached.collector.processes[0].looked_before_end_ms.is_some(), "{way:?}");
        assert!(attached.modules.contains_key("time"), "{way:?}: {:?}", attached.modules.keys());
        assert_eq!(attached.collector.sections[Section::Modules.name()].status, Status::Partial, "{way:?}");
    }

    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    run(molt_trace(&output, python).args(["late.py", "exec"])).succeeded();
    let age = read(&output).collector.processes[0].looked_before_end_ms;
    // Input ends at once; the program waits half a second before its exec.
    assert!(age.is_some_and(|age| age.as_micros() < 2_000_000), "{age:?}");
}

/// A launched target is looked at before os._exit, and before a signal ends it: what it has just imported is there. Where
/// a kernel does not stop a process for SIGKILL, the artifact says how long before it the last look was.
pub(crate) fn launched_target_is_looked_at_before_any_end(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    for (way, number, status) in [("exit", "3", 3), ("signal", "11", 139), ("signal", "9", 137)] {
        let mut command = molt_trace(&output, python);
        run(command.args(["late.py", way, number])).with_code(status);
        let artifact = read(&output);
        let age = artifact.collector.processes[0].looked_before_end_ms;
        assert!(age.is_none() || number == "9", "{way} {number}: {age:?}");
        let is_there = artifact.modules.contains_key("colorsys");
        assert!(is_there || age.is_some(), "{way} {number}: {:?}", artifact.modules.keys());
        let state = &artifact.collector.sections[Section::Modules.name()];
        assert_eq!(state.status == Status::Complete, age.is_none(), "{way} {number}: {state:?}");
    }
}
