use serde_json::{Value, json};

use super::*;
use crate::ids::Sha256Hash;
use crate::model::{Section, SectionState};
use crate::tests::full::{full, hashed};

/// The faults of an artifact with one value set.
fn faults_with(artifact: &Artifact, pointer: &str, wrong: Value) -> Vec<Fault> {
    let mut value = serde_json::to_value(artifact).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = wrong,
        object => object[key] = wrong,
    }
    validate_slice(value.to_string().as_bytes()).unwrap().faults
}

/// The one fault that a change makes.
fn fault_with(pointer: &str, wrong: Value) -> (String, String) {
    let mut faults = faults_with(&hashed(), pointer, wrong);
    assert_eq!(faults.len(), 1, "{pointer}: {faults:#?}");
    let fault = faults.remove(0);
    (fault.place, fault.problem)
}

// One wrong value at a time: each is found once, at its place, by the rule that is meant to.
#[test]
fn finds_each_fault_at_its_place() {
    let other = Sha256Hash::of(b"other").to_string();
    for (pointer, wrong, place, problem) in [
        ("/symbols/app.g/qualname", json!("h"), ".symbols[\"app.g\"]", "key is not \"app.h\""),
        ("/call_sites/0/caller", json!("app.x"), ".call_sites[0].caller", "is not in symbols"),
        (
            "/call_sites/1/targets/0/symbol",
            json!("app.x"),
            ".call_sites[1].targets[0].symbol",
            "\"app.x\" is not in symbols",
        ),
        ("/call_sites/2/id", json!(other), ".call_sites[2].id", "id is not that of its place"),
        ("/call_sites/3/offset", json!(13), ".call_sites[3].id", "id is not that of its place"),
        ("/call_sites/0/code_hash", json!(other), ".call_sites[0].code_hash", "has no such code"),
        ("/hotspots/0/rank_time", json!(2), ".hotspots[0].rank_time", "rank is 2, by self time it is 1"),
        ("/hotspots/0/rank_alloc", json!(9), ".hotspots[0].rank_alloc", "rank is not that"),
        ("/hotspots/1/time_ms", json!(50), ".hotspots[0]", "not in the order of self time"),
        ("/hotspots/0/score", json!(0.8), ".hotspots", "scores add up to 1133333 millionths"),
        ("/hotspots/0/total_ms", json!(1), ".hotspots[0].time_ms", "above total_ms"),
        ("/events/0/t_ms", json!(99), ".events[0]", "documented order"),
        ("/events/0/process", json!(7), ".events[0].process", "no such process"),
        ("/events/0/parent", json!(7), ".events[0].parent", "no such process"),
        ("/events/8/cause", json!("moths"), ".events[8].cause", "is not in collector.loss"),
        ("/collector/processes/1/parent", json!(1), ".collector.processes[1].parent", "before its child"),
        ("/collector/samples/kept", json!(10), ".collector.samples.kept", "10 are more than the 9"),
        ("/run_metadata/gc/share", json!(0.5), ".run_metadata.gc.share", "not the share"),
        ("/collector/samples/cut", json!(7), ".collector.samples.cut", "7 are more than the 6"),
        ("/call_counts/app.x", json!(1), ".call_counts[\"app.x\"]", "is not in symbols"),
        ("/call_counts/app.f", json!(7), ".call_counts[\"app.f\"]", "count is 7, that of the symbol is 70"),
        ("/symbols/app.g/calls_est", json!(6), ".symbols[\"app.g\"].calls_est", "below the calls seen"),
        (
            "/call_sites/0/targets/1/count_est",
            json!(5),
            ".call_sites[0].targets[1].count_est",
            "below the calls seen",
        ),
        (
            "/call_sites/0/targets/1/undetailed",
            json!(3),
            ".call_sites[0].targets[1].count",
            "more than all calls",
        ),
        (
            "/call_sites/1/targets/0/exception_types/ValueError",
            json!(2),
            ".call_sites[1].targets[0].exception_types",
            "do not add up",
        ),
        (
            "/call_sites/2/signatures_dropped",
            json!(5),
            ".call_sites[2].signatures_dropped",
            "more than the site's calls",
        ),
        ("/types/int/mro/0", json!("bool"), ".types.int.mro", "does not begin with the type"),
        ("/types/int/bases/0", json!("bool"), ".types.int.mro", "has not the base \"bool\""),
        ("/types/app.C/classes", json!(1), ".types[\"app.C\"].classes", "a single class"),
        ("/types/app.C/kind", json!("static"), ".types[\"app.C\"].kind", "attributes of its own"),
        ("/types/int/instances", json!(2), ".types.int.layout_stable", "number of instances"),
        ("/types/app.C/layout_stable", json!(false), ".types[\"app.C\"].layout", "not stable"),
        ("/types/app.C/layout/0", json!("y"), ".types[\"app.C\"].layout", "no attribute of instances"),
        ("/types/app.C/attrs/z/count", json!(13), ".types[\"app.C\"].attrs.z.count", "number of instances"),
        ("/types/app.C/attrs/z/types", json!([]), ".types[\"app.C\"].attrs.z.types", "with the count"),
        (
            "/types/app.C/attrs/y/class_types",
            json!(["int"]),
            ".types[\"app.C\"].attrs.y.class_types",
            "on the class",
        ),
        ("/run_metadata/argv/1", json!("--out"), ".run_metadata.argv[1]", "not redacted"),
        ("/events/1/program", json!("python3"), ".events[1].program", "not redacted"),
        ("/call_sites/2/expr", json!("g(1)"), ".call_sites[2].expr", "only under the policy none"),
        ("/modules/app/file", json!("/srv/app.py"), ".modules.app.file", "absolute path"),
        (
            "/collector/sections/symbols/reason",
            json!("failed to read /proc/1/maps"),
            ".collector.sections.symbols.reason",
            "absolute path",
        ),
        ("/collector/processes/0/pid", json!(4242), ".collector.processes[0].pid", "run to run"),
        ("/collector/hostname", json!("box"), ".collector.hostname", "run to run"),
    ] {
        let (found_place, found_problem) = fault_with(pointer, wrong);
        assert_eq!(found_place, place);
        assert!(found_problem.contains(problem), "{place}: {found_problem}");
    }
}

// Exceptions are a part of the calls, whatever is said of their types.
#[test]
fn exceptions_are_not_more_than_calls() {
    let mut artifact = hashed();
    let target = &mut artifact.call_sites[0].targets[0];
    target.exceptions = Some(target.count);
    target.exception_types.clear();
    assert!(validate_slice(&serde_json::to_vec(&artifact).unwrap()).unwrap().is_clean());
    let target = &mut artifact.call_sites[0].targets[0];
    target.exceptions = Some(target.count + 1);
    let faults = validate_slice(&serde_json::to_vec(&artifact).unwrap()).unwrap().faults;
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].place, ".call_sites[0].targets[0].exceptions");
}

// Types may be called what they like, and an address in the name of one is found.
#[test]
fn looks_into_names_of_exceptions() {
    for (name, faults) in [("pid", 0), ("app.E0x7f5c1a2b3c40", 1)] {
        let mut artifact = hashed();
        let target = &mut artifact.call_sites[0].targets[0];
        target.exception_types = [(name.to_owned(), 1)].into();
        let found = validate_slice(&serde_json::to_vec(&artifact).unwrap()).unwrap().faults;
        assert_eq!(found.len(), faults, "{found:#?}");
    }
}

// The schema's own faults, with their places.
#[test]
fn finds_what_the_schema_forbids() {
    for (pointer, wrong, place) in [
        ("/created_at_utc", json!("2026-01-02 00:00:00"), ".created_at_utc"),
        ("/python_version", json!(""), ".python_version"),
        ("/platform/arch", json!("aarch64"), ".platform.arch"),
        ("/run_metadata/duration_ms", json!(-1), ".run_metadata.duration_ms"),
        ("/run_metadata/env_fingerprint", json!("sha256:ABC"), ".run_metadata.env_fingerprint"),
        ("/collector/sections/types", json!({"status": "unavailable"}), ".collector.sections.types"),
        ("/symbols/app.f/codes/0/code_hash", json!("md5:0"), ".symbols[\"app.f\"].codes[0].code_hash"),
        ("/symbols/app.f/kind", json!("klass"), ".symbols[\"app.f\"].kind"),
        ("/call_sites/0/observation", json!("estimated"), ".call_sites[0].observation"),
        ("/hotspots/0/score", json!(1.5), ".hotspots[0].score"),
        ("/events/0/kind", json!("party"), ".events[0].kind"),
        ("/events/0/kind", json!("signal"), ".events[0]"),
        ("/redactions/hash", json!("md5"), ".redactions.hash"),
        ("/modules", json!([]), ".modules"),
    ] {
        let faults = faults_with(&hashed(), pointer, wrong);
        assert!(faults.iter().any(|fault| fault.place == place), "{pointer}: {faults:#?}");
    }
}

// What a call site must have depends on what its id is made from.
#[test]
fn each_basis_of_an_id_demands_its_keys() {
    for (index, key) in [(0, "col"), (1, "col"), (2, "end_line"), (3, "code_hash"), (3, "offset")] {
        let mut value = serde_json::to_value(hashed()).unwrap();
        value["call_sites"][index].as_object_mut().unwrap().remove(key);
        let faults = validate_slice(value.to_string().as_bytes()).unwrap().faults;
        assert!(
            faults
                .iter()
                .any(|fault| fault.place == format!(".call_sites[{index}]") && fault.problem.contains(key)),
            "{key}: {faults:#?}"
        );
    }
}

// Names in keys leak as well as values do; attributes may be called what they like.
#[test]
fn looks_into_keys() {
    let mut artifact = hashed();
    let facts = artifact.types["app.C"].clone();
    assert!(facts.attrs.contains_key("pid"));
    artifact.types.insert("app.<C at 0x7f5c1a2b3c40>".to_owned(), facts);
    let findings = validate_slice(&serde_json::to_vec(&artifact).unwrap()).unwrap();
    assert_eq!(findings.faults.len(), 1);
    assert_eq!(findings.faults[0].place, ".types[\"app.<C at 0x7f5c1a2b3c40>\"]");
    assert!(findings.faults[0].problem.contains("address"));
}

// With the policy none data stands as it is; everything else is still looked at.
#[test]
fn kept_data_may_hold_paths_and_nothing_else_may() {
    let artifact = full();
    assert!(artifact.header.run_metadata.argv.iter().any(|argument| argument.starts_with('/')));
    assert!(faults_with(&artifact, "/run_metadata/argv/0", json!("0x7f5c1a2b3c40")).is_empty());
    let faults = faults_with(&artifact, "/collector/version", json!("/usr/bin/molt"));
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].place, ".collector.version");
}

// For each section: an empty list that was not looked for, and one that says so but is not empty.
#[test]
fn an_unavailable_section_holds_nothing() {
    for section in Section::ALL {
        let mut artifact = hashed();
        artifact.collector.set(section, SectionState::unavailable("nobody looked"));
        assert!(!section.is_empty_in(&artifact));
        let faults = validate_slice(&serde_json::to_vec(&artifact).unwrap()).unwrap().faults;
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].place.starts_with(".collector.sections"), "{}", faults[0].place);
        assert!(faults[0].place.contains(section.name()));
    }
}

// A section that nobody speaks of is a fault, by its name.
#[test]
fn every_section_is_spoken_of() {
    for section in Section::ALL {
        let mut artifact = hashed();
        artifact.collector.sections.remove(section.name());
        let faults = validate_slice(&serde_json::to_vec(&artifact).unwrap()).unwrap().faults;
        assert!(faults.iter().any(|fault| fault.problem.contains(section.name())), "{faults:#?}");
    }
}

// A file with a million faults gives a short answer, and its texts are cut.
#[test]
fn a_hostile_file_gets_a_bounded_answer() {
    let mut value = serde_json::to_value(hashed()).unwrap();
    value["events"] = vec![json!({"kind": "x".repeat(100)}); 20_000].into();
    value["symbols"] = json!({ "\u{1b}[2J".repeat(5_000): {"kind": 7} });
    let findings = validate_slice(value.to_string().as_bytes()).unwrap();
    assert_eq!(findings.faults.len(), MAX_FAULTS);
    assert!(findings.further > 10_000);
    for fault in &findings.faults {
        assert!(fault.place.len() + fault.problem.len() < 10_000, "{} bytes", fault.problem.len());
        assert!(!fault.place.contains('\u{1b}'));
    }
}

// A container's place exists, for each kind of place.
#[test]
fn containers_stand_at_known_places() {
    let artifact = hashed();
    let container = artifact.containers.values().next().unwrap();
    let (id, other) = (artifact.call_sites[0].id, Sha256Hash::of(b"other"));
    for key in [
        "app.f".to_owned(),
        "app.f#".to_owned(),
        "app.f#arg:0".to_owned(),
        "app.x#ret".to_owned(),
        format!("{id}#param:x"),
        format!("{id}#arg:x"),
        format!("{other}#ret"),
    ] {
        let mut artifact = artifact.clone();
        artifact.containers.insert(key.clone(), container.clone());
        let faults = validate_slice(&serde_json::to_vec(&artifact).unwrap()).unwrap().faults;
        assert_eq!(faults.len(), 1, "{key}: {faults:#?}");
        assert_eq!(faults[0].place, format!(".containers[\"{key}\"]"));
    }
}

// Many small faults in one entry, and more values than memory should be spent on.
#[test]
fn very_many_values_are_not_listed_one_by_one() {
    let mut value = serde_json::to_value(hashed()).unwrap();
    value["symbols"]["app.f"]["effects"] = vec![1; 50_000].into();
    let findings = validate_slice(value.to_string().as_bytes()).unwrap();
    assert_eq!(findings.faults.len(), 1);
    assert_eq!(findings.faults[0].place, ".symbols[\"app.f\"].effects[0]");
    let text = format!("{{\"molt_profile_version\":\"0.1\",\"x\":[{}1]}}", "1,".repeat(MAX_VALUES));
    assert!(matches!(validate_slice(text.as_bytes()), Err(ValidateError::TooManyValues)));
}

// What is no artifact at all is an error, not a list of faults.
#[test]
fn refuses_what_is_no_artifact() {
    assert!(matches!(validate_slice(b"{}"), Err(ValidateError::Read(ReadError::NoVersion))));
    assert!(matches!(validate_slice(b"{"), Err(ValidateError::Read(ReadError::Json(_)))));
    let later = br#"{"molt_profile_version": "1.0"}"#;
    assert!(matches!(validate_slice(later), Err(ValidateError::Read(ReadError::Version { .. }))));
    let bare = br#"{"molt_profile_version": "0.1"}"#;
    assert!(validate_slice(bare).unwrap().faults.len() >= 14);
}
