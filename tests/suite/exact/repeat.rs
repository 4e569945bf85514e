//! Two exact artifacts of one deterministic program.
use std::collections::BTreeSet;

use molt_mpa::model::Artifact;
use serde_json::{Map, Value};

use crate::support::artifact::trace_exact;
use crate::support::program::EXACT_PROGRAMS;
use crate::support::pythons::Interpreter;

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
            let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
            keys.into_iter().find_map(|key| {
                let get = |object: &Map<_, _>| object.get(key).cloned().unwrap_or_default();
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
