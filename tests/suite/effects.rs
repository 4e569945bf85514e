//! What functions do to the world, imports and collections of garbage, against what the interpreter itself tells.
use std::collections::{BTreeMap, BTreeSet};

use molt_mpa::model::{Artifact, EffectKind, EventKind, Observation, Section, Status};

use crate::support::artifact::trace_exact;
use crate::support::process::run;
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
fn effects(artifact: &Artifact) -> impl Iterator<Item = (&str, &molt_mpa::model::Effect)> {
    let own = artifact.symbols.values().filter(|symbol| symbol.module == "__main__");
    own.flat_map(|symbol| symbol.effects.iter().map(|effect| (symbol.qualname.as_str(), effect)))
}

/// Each function has the effects that it has, and a pure one has none.
pub(crate) fn each_function_has_its_effects(python: &Interpreter) {
    let (artifact, traced) = trace_exact(python, &PROGRAM);
    let kinds = |function: &str| -> BTreeSet<EffectKind> {
        effects(&artifact).filter(|(name, _)| *name == function).map(|(_, effect)| effect.effect).collect()
    };
    use EffectKind::{FsRead, FsWrite, Net, Process, Random, Time};
    for (function, effect) in [
        ("opens", FsRead),
        ("writes", FsWrite),
        ("connects", Net),
        ("starts", Process),
        ("clock", Time),
        ("draws", Random),
        ("compiles", EffectKind::Code),
    ] {
        assert!(kinds(function).contains(&effect), "{function}: {:?}\n{}", kinds(function), traced.stderr);
    }
    let five = kinds("all_five");
    assert!([FsRead, Net, Process, Time, Random].iter().all(|kind| five.contains(kind)), "{five:?}");
    assert_eq!(kinds("pure"), BTreeSet::new());
    assert!(!kinds("opens").contains(&FsWrite) && kinds("clock") == BTreeSet::from([Time]));
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
}

/// Modules are imported in the order of the program, a module that is not there without success.
pub(crate) fn imports_come_in_order(python: &Interpreter) {
    const WANTED: [&str; 3] = ["colorsys", "sched", "molt_no_such_module"];
    let (artifact, traced) = trace_exact(python, &PROGRAM);
    let imports: Vec<_> = artifact
        .events
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Import { module, duration_ms, succeeded } if WANTED.contains(&module.as_str()) => {
                Some((module.as_str(), *duration_ms, *succeeded))
            }
            _ => None,
        })
        .collect();
    let names: Vec<&str> = imports.iter().map(|(module, ..)| *module).collect();
    assert_eq!(names, WANTED, "{}", traced.stderr);
    let collections: Vec<_> = artifact
        .events
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Gc { generation, collected, duration_ms } => {
                Some((generation, *collected, duration_ms))
            }
            _ => None,
        })
        .collect();
    if imports.iter().any(|(_, duration, _)| duration.is_some()) {
        // The interpreter has USDT probes, for collections as well.
        assert!(imports.iter().all(|(_, duration, _)| duration.is_some()), "{imports:?}");
        let succeeded: Vec<_> = imports.iter().map(|(.., succeeded)| *succeeded).collect();
        assert_eq!(succeeded, [Some(true), Some(true), Some(false)]);
        let garbage = collections.iter().filter(|(_, collected, _)| collected.is_some_and(|count| count > 0));
        assert!(garbage.count() > 0, "{collections:?}");
        assert!(collections.iter().all(|(.., duration)| duration.is_some()));
    }
}
