//! Containers: lengths, keys, types of elements.

use crate::support::{interpreters, target::Target};
use molt_user::cpython::{Known, Unknown};
use molt_user::symbolize::containers::{ElementShape, Key, Shape, read_container};
use molt_user::symbolize::types::read_type_name;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

fn start(python: &Path) -> Target {
    Target::run(python, &["-I", "-S", "-B"], "container_objects.py", &[])
}

fn read(target: &Target, addr: u64) -> Known<Shape> {
    let (memory, layout) = (&target.memory, &target.checked.layout);
    let mut names = HashMap::new();
    read_container(memory, layout, addr, |kind| {
        names.entry(kind).or_insert_with(|| read_type_name(memory, layout, kind)).clone()
    })
}

/// A shape as the program describes one.
fn describe(shape: &Shape) -> Value {
    let elements = |kind: &str, shape: &ElementShape| json!({"kind": kind, "length": shape.length, "types": shape.types});
    match shape {
        Shape::Dict(dict) => {
            let keys: Vec<_> = dict
                .entries
                .iter()
                .map(|entry| match &entry.key {
                    Key::Str(text) => json!(["str", text.value]),
                    Key::Other(kind) => json!(["other", kind]),
                })
                .collect();
            let values: Vec<_> = dict.entries.iter().map(|entry| entry.value.as_str()).collect();
            json!({"kind": "dict", "length": dict.length, "keys": keys, "values": values})
        }
        Shape::List(shape) => elements("list", shape),
        Shape::Tuple(shape) => elements("tuple", shape),
        Shape::Set(shape) => elements("set", shape),
    }
}

/// Small and huge ones, subclasses, all layouts of dicts, on every interpreter found. Of a set, whose
/// order is that of its table, at least half of what is wanted is looked at, and its types are those that are there.
#[test]
fn containers_are_what_the_program_says() {
    for python in interpreters::found(8) {
        let target = start(&python);
        let containers = target.report["containers"].as_array().unwrap();
        for (at, want) in containers.iter().enumerate() {
            let started = Instant::now();
            let shape = read(&target, want["address"].as_u64().unwrap());
            let took = started.elapsed();
            let what = format!("{} {at} {}", python.display(), want["type"]);
            let shape = shape.unwrap_or_else(|reason| panic!("{what}: {reason}"));
            let mut got = describe(&shape);
            if let Shape::Set(set) = &shape {
                assert!(set.types.len() as u64 >= set.length.min(32) / 2, "{what}: {}", set.types.len());
                got["types"] = json!(all_types(&shape));
            }
            for (field, got) in got.as_object().unwrap() {
                assert_eq!(*got, want[field], "{what} {field}");
            }
            assert!(took < Duration::from_secs(1), "{what}: {took:?}");
        }
    }
}

/// Only containers are read.
#[test]
fn refuses_what_is_no_container() {
    for python in interpreters::found(8) {
        let target = start(&python);
        for addr in target.report["others"].as_array().unwrap() {
            assert_eq!(
                read(&target, addr.as_u64().unwrap()),
                Err(Unknown::WrongType),
                "{}",
                python.display()
            );
        }
    }
}

/// The program fills each container with one type after the other while it is read: what is told was true at one
/// time, and the rest is dropped.
#[test]
fn torn_reads_are_dropped() {
    let mut all_torn = 0;
    for python in interpreters::found(8) {
        let target = start(&python);
        let (mut full, mut torn) = (0, 0);
        for round in 0..500 {
            let addr = target.report["changing"][round % 3].as_u64().unwrap();
            match read(&target, addr) {
                Ok(shape) => {
                    let types = all_types(&shape);
                    assert!(types.len() <= 1, "{}: {types:?}", python.display());
                    full += types.len();
                }
                Err(_) => torn += 1,
            }
        }
        assert!(full > 0, "{}: {torn} of 500 torn", python.display());
        all_torn += torn;
    }
    assert!(all_torn > 0);
}

fn all_types(shape: &Shape) -> BTreeSet<String> {
    match shape {
        Shape::Dict(dict) => {
            let keys = dict.entries.iter().map(|entry| match &entry.key {
                Key::Str(_) => "str".to_owned(),
                Key::Other(kind) => kind.clone(),
            });
            keys.chain(dict.entries.iter().map(|entry| entry.value.clone())).collect()
        }
        Shape::List(shape) | Shape::Tuple(shape) | Shape::Set(shape) => shape.types.iter().cloned().collect(),
    }
}
