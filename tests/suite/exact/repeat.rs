//! Two exact artifacts of one deterministic program.
use std::collections::BTreeSet;

use molt_mpa::model::Artifact;
use serde_json::{Map, Value};

use crate::support::artifact::trace_exact_often;
use crate::support::program::script;
use crate::support::pythons::Interpreter;

/// Most differences that a failure lists.
const SHOWN: usize = 60;

/// Two artifacts of one deterministic program say the same but for times, costs and what is sampled. The clock that
/// takes samples ticks often, in the midst of what is told of calls.
pub(crate) fn two_exact_runs_are_equal(python: &Interpreter) {
    let mut faults = Vec::new();
    for program in ["exact/methods", "exact/exceptions", "exact/classes", "exact/coroutines"].map(script) {
        let run = || facts(&trace_exact_often(python, &program, "0").0);
        let [first, second] = [run(), run()];
        // One run in some hundred loses a call that a clock came upon (docs/calls.md): a third one decides.
        if first != second {
            let third = run();
            if third != first && third != second {
                differences(&first, &second, program.name, &mut faults);
            }
        }
    }
    let count = faults.len();
    faults.truncate(SHOWN);
    assert!(faults.is_empty(), "{count} differences\n  {}", faults.join("\n  "));
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
    remove(&mut value["run_metadata"], &["duration_ms", "gc"]);
    // Losses are those of samples as well, and coverage is a share of samples.
    remove(&mut value["collector"], &["samples", "coverage", "overhead", "windows", "processes", "loss"]);
    drop_sampled(&mut value);
    drop_getpath(&mut value);
    // What is redacted are keys of dicts, which are looked at in samples.
    remove(&mut value["redactions"], &["counts"]);
    // By caller and id: a list in which one is missing would differ from there on.
    let sites = std::mem::take(&mut value["call_sites"]);
    let key = |site: &Value| format!("{} {}", site["caller"], site["id"]);
    value["call_sites"] = sites.as_array().unwrap().iter().map(|site| (key(site), site.clone())).collect();
    // What looks tell depends on when they come.
    for module in value["modules"].as_object_mut().unwrap().values_mut() {
        if module["mutations"].as_array().is_some_and(Vec::is_empty) {
            remove(module, &["mutations"]);
        }
    }
    let of_looks = |event: &Value| event.get("collections").is_some();
    value["events"].as_array_mut().unwrap().retain(|event| event["kind"] != "loss" && !of_looks(event));
    for event in value["events"].as_array_mut().unwrap() {
        remove(event, &["t_ms", "duration_ms", "self_ms"]);
        // Names of temporary files, and the like.
        for argument in event.get_mut("arguments").and_then(Value::as_array_mut).into_iter().flatten() {
            remove(argument, &["value"]);
        }
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

/// What `<frozen getpath>` may be named after: it runs in a namespace without a name, which is freed, and where `codecs`
/// has its own next (docs/calls.md).
const GETPATH: [&str; 2] = ["<unnamed>.", "codecs."];

/// Removes what functions of those names did, and that they were called.
fn drop_getpath(value: &mut Value) {
    let is_its = |name: &str| GETPATH.iter().any(|module| name.starts_with(module));
    let is_theirs =
        |value: &Value| ["symbol", "caller"].iter().any(|field| value[field].as_str().is_some_and(is_its));
    match value {
        Value::Array(items) => {
            items.retain(|item| !is_theirs(item));
            items.iter_mut().for_each(drop_getpath);
        }
        Value::Object(entries) => {
            entries.retain(|name, item| !is_its(name) && !is_theirs(item));
            entries.values_mut().for_each(drop_getpath);
        }
        _ => {}
    }
}

/// Collects the paths of values that are not the same, with both values.
fn differences(first: &Value, second: &Value, path: &str, faults: &mut Vec<String>) {
    match (first, second) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let get = |object: &Map<_, _>| object.get(key).cloned().unwrap_or_default();
                differences(&get(one), &get(other), &format!("{path}/{key}"), faults);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                differences(one, other, &format!("{path}/{at}"), faults);
            }
        }
        _ if first == second => {}
        (Value::Array(one), Value::Array(other)) => {
            faults.push(format!("{path}: {} and {} items", one.len(), other.len()));
        }
        _ => faults.push(format!("{path}: {first} and {second}")),
    }
}
