//! Type objects: names, kinds, identities.

use crate::support::{interpreters, target::Target};
use molt_common::walk::Block;
use molt_common::walk::ty::{self, fold16};
use molt_mpa::model::TypeKind;
use molt_user::cpython::Unknown;
use molt_user::symbolize::types::{TypeCache, read_type, read_type_name};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// C extensions with types of all kinds.
const MODULES: &[&str] = &[
    "asyncio",
    "array",
    "ctypes",
    "datetime",
    "decimal",
    "fractions",
    "io",
    "itertools",
    "json",
    "multiprocessing.pool",
    "pathlib",
    "pickle",
    "random",
    "sqlite3",
    "ssl",
    "struct",
    "threading",
    "unittest.mock",
    "uuid",
    "xml.etree.ElementTree",
    "zlib",
];

fn start(python: &std::path::Path) -> Target {
    Target::run(python, &["-E", "-s", "-S", "-B"], "type_objects.py", MODULES)
}

fn addr(value: &Value) -> u64 {
    value["address"].as_u64().unwrap()
}

/// Every type that can be reached from `object`, on every interpreter found. A name of a million characters is
/// cut.
#[test]
fn types_are_what_the_interpreter_says() {
    for python in interpreters::found(8) {
        let target = start(&python);
        let types = target.report["types"].as_array().unwrap();
        let mut wrong = Vec::new();
        for want in types {
            let name = want["name"].as_str().unwrap();
            let got = match read_type(&target.memory, &target.checked.layout, addr(want)) {
                Ok(got) => got,
                Err(reason) => {
                    wrong.push(format!("{name}: {reason}"));
                    continue;
                }
            };
            let text = got.name.text().unwrap_or_else(|reason| reason.name().to_owned());
            let is_cut = got.name.qualname.as_ref().is_ok_and(|text| text.cut);
            if !(text == name || is_cut && name.starts_with(&text) && text.len() > 8000) {
                wrong.push(format!("{text} for {name}"));
            }
            assert_eq!(got.kind == TypeKind::Heap, want["heap"].as_bool().unwrap(), "{name}");
            assert_eq!(got.metaclass.text().unwrap(), want["metaclass"].as_str().unwrap(), "{name}");
        }
        let shown = wrong.len().min(20);
        assert!(wrong.is_empty(), "{}: {}\n{}", python.display(), wrong.len(), wrong[..shown].join("\n"));
        assert!(types.len() > 500, "{}: {} types", python.display(), types.len());
        assert_eq!(target.report["missing"], Value::Array(Vec::new()), "{}", python.display());
    }
}

/// A stale address leads to any object.
#[test]
fn refuses_what_is_no_type() {
    for python in interpreters::found(8) {
        let target = start(&python);
        for (what, addr) in target.report["others"].as_object().unwrap() {
            let addr = addr.as_u64().unwrap();
            for wrong in [addr, addr + 4096] {
                let got = read_type(&target.memory, &target.checked.layout, wrong);
                assert!(
                    wrong != addr || got == Err(Unknown::WrongType),
                    "{}: {what}: {got:?}",
                    python.display()
                );
            }
        }
        assert!(read_type(&target.memory, &target.checked.layout, 0).is_err());
        assert!(read_type(&target.memory, &target.checked.layout, 8).is_err());
    }
}

/// No two types at hand share all 64 bits, and few share 16; what the kernel side reads is
/// what the user side has read.
#[test]
fn identities_tell_types_apart() {
    for python in interpreters::found(8) {
        let target = start(&python);
        let layout = &target.checked.layout;
        let (mut whole, mut folded) = (HashMap::new(), HashMap::new());
        let types = target.report["types"].as_array().unwrap();
        for want in types {
            let got = read_type(&target.memory, layout, addr(want)).unwrap();
            let again = ty::read_identity(&target.memory, &layout.types(), addr(want), &mut Block::default());
            assert_eq!(again, Ok(got.identity));
            *folded.entry(fold16(got.identity)).or_insert(0) += 1;
            let other = whole.insert(got.identity, got.name.clone());
            assert_eq!(other, None, "and {:?}", got.name);
        }
        let shared = folded.values().filter(|count| **count > 1).count();
        assert!(shared * 20 < types.len(), "{}: {shared} of {}", python.display(), types.len());
    }
}

/// A class is freed and another one comes to its address, with a name of the same length: no two of them have the
/// same identity, and the cache, which has 16 bits of it, takes one for another at most when those are the same.
#[test]
fn a_reused_address_is_noticed() {
    for python in interpreters::found(8) {
        let mut target = start(&python);
        let mut cache = TypeCache::default();
        let (mut seen, mut latest, mut reused, mut taken) = (HashSet::new(), HashMap::new(), 0, 0);
        for _ in 0..100 {
            let want = target.ask();
            let (memory, layout, addr) = (&target.memory, &target.checked.layout, addr(&want));
            let name = want["name"].as_str().unwrap();
            assert_eq!(read_type_name(memory, layout, addr).unwrap(), name);
            let identity = ty::read_identity(memory, &layout.types(), addr, &mut Block::default()).unwrap();
            assert!(seen.insert((addr, identity)), "{}: {name}", python.display());
            let got =
                cache.get(addr, fold16(identity).into(), false, || read_type(memory, layout, addr)).unwrap();
            taken += u64::from(got.name.text().unwrap() != name);
            reused += u64::from(latest.insert(addr, name.to_owned()).is_some());
        }
        assert!(reused > 50, "{}: {reused} of 100", python.display());
        assert!(taken < 3, "{}: {taken} of 100", python.display());
        assert!(cache.counts().reused + taken >= reused, "{}: {reused}", python.display());
        // The kernel may still report the class before.
        let last = target.ask();
        let read = || read_type(&target.memory, &target.checked.layout, addr(&last));
        assert_eq!(cache.get(addr(&last), 1 << 16, false, read), Err(Unknown::Stale));
    }
}
