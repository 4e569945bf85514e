//! What is written in C has no frame: samples meet it where it is called from.
use std::collections::{BTreeMap, BTreeSet};

use molt_mpa::model::{Artifact, CallSite, Observation, TargetKind};

use crate::support::artifact::trace_exact_often;
use crate::support::program::script;
use crate::support::pythons::Interpreter;

/// How much time of a processor the program takes: at 999 samples a second some 100 for each of its calls.
const SECONDS: &str = "1.2";

/// Each call that the program makes of functions, methods, classes and objects written in C is found, and no other; up to
/// 3.10, whose code does not tell the place of a call, none is.
pub(crate) fn calls_of_c_are_seen(python: &Interpreter) {
    let (artifact, ended) = trace_exact_often(python, &script("foreign"), SECONDS);
    let expected: BTreeMap<&str, (&str, &str)> = ended.stdout.lines().map(words).collect();
    assert_eq!(expected.len(), 11, "{}", ended.stdout);
    for (caller, called) in expected {
        let found = foreign_targets(&artifact, caller);
        if python.minor() < 11 {
            assert!(found.is_empty(), "{caller} calls {found:?}");
            continue;
        }
        assert!(found.contains(&called), "{caller} calls {called:?}, not {found:?}");
        // `sorted(NUMBERS).index(3999)` calls twice.
        let is_other = |target: &&(&str, &str)| **target != called && target.0 != "sorted";
        assert_eq!(found.iter().find(is_other), None, "{caller} calls {called:?} alone");
    }
}

/// What a function of the program calls that has no Python code: names, and of which kind each is.
fn foreign_targets<'a>(artifact: &'a Artifact, caller: &str) -> BTreeSet<(&'a str, &'a str)> {
    let is_its = |site: &&CallSite| site.caller.strip_prefix("__main__.") == Some(caller);
    let targets = artifact.call_sites.iter().filter(is_its).flat_map(|site| {
        site.targets.iter().map(|target| (target.observation.unwrap_or(site.observation), target))
    });
    let foreign = targets.filter_map(|(observation, target)| {
        let kind = match target.kind {
            TargetKind::Py => return None,
            TargetKind::Builtin => "builtin",
            TargetKind::Class => "class",
            TargetKind::C => "c",
        };
        assert_eq!(observation, Observation::Sampled, "{target:?}");
        Some((target.symbol.as_str(), kind))
    });
    foreign.collect()
}

/// What the program says of a function: its name, what it calls, and of which kind that is.
fn words(line: &str) -> (&str, (&str, &str)) {
    let [caller, symbol, kind] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
    (caller, (symbol, kind))
}
