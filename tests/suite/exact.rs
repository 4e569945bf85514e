//! `--mode exact`: every call, its types and its outcome, against what the oracle counted.
use molt_mpa::model::{Artifact, Mode};
use serde_json::Value;

use crate::support::artifact::trace_exact;
use crate::support::facts::{Fact, Facts};
use crate::support::program::{EXACT_PROGRAMS, Program, script};
use crate::support::pythons::Interpreter;
use crate::support::truth::Truth;

/// Most differences that a failure lists.
const SHOWN: usize = 20;

/// All calls that the program's own functions make or are the target of are the same, with the types of their
/// arguments and results, and all exceptions in its functions; but for the differences that are named.
pub(crate) fn every_call_is_as_the_oracle_saw_it(python: &Interpreter, program: &Program) {
    let (truth, plain) = Truth::of(python, program);
    let (artifact, traced) = trace_exact(python, program);
    assert_eq!(traced.stdout, plain.stdout, "the traced program printed something else");
    assert_eq!(artifact.collector.mode, Mode::Exact);
    let modules = modules(program);
    let seen = Facts::of(&artifact).about(&modules);
    let truth = truth.facts.about(&modules).at_lines_of(&seen);
    let faults = compare(&truth, &seen.at_lines_of(&seen));
    assert!(faults.is_empty(), "{}\nmolt said:\n{}", told(&faults), traced.stderr);
}

/// The modules whose calls are compared. Others also ran before the oracle could look.
fn modules(program: &Program) -> Vec<String> {
    let mut modules = program.says("modules");
    modules.push("__main__".to_owned());
    modules
}

fn compare(truth: &Facts, seen: &Facts) -> Vec<String> {
    let differences = truth.differences(seen);
    differences.into_iter().map(|(fact, truth, seen)| format!("{seen}, not {truth} {fact}")).collect()
}

fn told(faults: &[String]) -> String {
    let shown = faults.get(..SHOWN).unwrap_or(faults);
    format!("{} differences\n  {}", faults.len(), shown.join("\n  "))
}

/// Whatever number is changed, missing or too many, the comparison says so.
pub(crate) fn comparison_finds_each_kind_of_fault(python: &Interpreter) {
    let program = script("exact/exceptions");
    let (truth, _) = Truth::of(python, &program);
    let truth = truth.facts.about(&modules(&program));
    assert!(compare(&truth, &truth).is_empty());
    let mut kinds = std::collections::BTreeSet::new();
    for (fact, _) in truth.iter() {
        let (mut more, mut none) = (truth.clone(), truth.clone());
        more.add(fact.clone(), 1);
        none.take(fact, u64::MAX);
        for wrong in [more, none] {
            let faults = compare(&truth, &wrong);
            assert!(matches!(&faults[..], [fault] if fault.ends_with(&fact.to_string())), "{faults:?}");
        }
        kinds.insert(kind(fact));
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::Calls(_) => "calls",
        Fact::Resumes(_) => "resumes",
        Fact::Edge(_) => "edge",
        Fact::Signature { .. } => "signature",
        Fact::Failed { .. } => "failed",
        Fact::Exception { raised: true, .. } => "raised",
        Fact::Exception { raised: false, .. } => "passed through",
    }
}

/// Two artifacts of each deterministic program say the same but for times, costs and what is sampled.
pub(crate) fn two_exact_runs_are_equal(python: &Interpreter) {
    for program in EXACT_PROGRAMS.iter().filter(|program| program.name != "exact/threads") {
        let [first, second] = [(); 2].map(|()| facts(&trace_exact(python, program).0));
        let path = first_difference(&first, &second, "");
        assert_eq!(path, None, "{} differs between two runs", program.name);
    }
}

/// An artifact without what may differ between two exact runs.
fn facts(artifact: &Artifact) -> Value {
    let mut value = serde_json::to_value(artifact).unwrap();
    let remove = |object: &mut Value, keys: &[&str]| {
        for key in keys {
            let _ = object.as_object_mut().unwrap().remove(*key);
        }
    };
    remove(&mut value, &["created_at_utc", "hotspots"]);
    remove(&mut value["run_metadata"], &["duration_ms"]);
    remove(&mut value["collector"], &["samples", "overhead", "windows", "processes"]);
    drop_sampled(&mut value);
    for event in value["events"].as_array_mut().unwrap() {
        remove(event, &["t_ms", "duration_ms"]);
    }
    value
}

/// Removes what says that it was sampled.
fn drop_sampled(value: &mut Value) {
    let is_sampled = |value: &Value| value.get("observation").is_some_and(|how| how == "sampled");
    match value {
        Value::Array(items) => {
            items.retain(|item| !is_sampled(item));
            items.iter_mut().for_each(drop_sampled);
        }
        Value::Object(entries) => {
            entries.retain(|_, item| !is_sampled(item));
            entries.values_mut().for_each(drop_sampled);
        }
        _ => {}
    }
}

/// The path of a value that is not the same, and the two values.
fn first_difference(first: &Value, second: &Value, path: &str) -> Option<String> {
    match (first, second) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
            keys.into_iter().find_map(|key| {
                let get = |object: &serde_json::Map<_, _>| object.get(key).cloned().unwrap_or_default();
                first_difference(&get(one), &get(other), &format!("{path}/{key}"))
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(at, (one, other))| first_difference(one, other, &format!("{path}/{at}")))
        }
        _ if first == second => None,
        _ => Some(format!("{path}: {first} and {second}")),
    }
}
