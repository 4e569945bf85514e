//! Objects of the garbage collector, locals of running functions, and whether a class has changed.

use crate::support::{interpreters, target::Target};
use molt_user::symbolize::locals::locals;
use molt_user::symbolize::modules::main_interpreter;
use molt_user::symbolize::tracked::tracked;
use molt_user::symbolize::types::class_state;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn start(python: &Path) -> (Target, u64) {
    let target = Target::run(python, &["-E", "-s", "-S", "-B"], "tracked_objects.py", &[]);
    target.wait_until_it_sleeps();
    let interp = main_interpreter(&target.memory, &target.checked.layout, target.runtime).unwrap();
    (target, interp)
}

fn addresses(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|address| address.as_u64().unwrap()).collect()
}

/// Objects of each generation are found with their types, and no more than are asked for.
#[test]
fn objects_of_every_generation_are_found() {
    for python in interpreters::found(8) {
        let (target, interp) = start(&python);
        let layout = &target.checked.layout;
        let found = tracked(&target.memory, layout, target.runtime, interp, 1_000_000).unwrap();
        assert!(!found.cut, "{}", python.display());
        let objects: BTreeSet<_> = found.objects.iter().copied().collect();
        let class = target.report["class"].as_u64().unwrap();
        for kept in addresses(&target.report["kept"]) {
            assert!(objects.contains(&(kept, class)), "{}: {kept:#x}", python.display());
        }
        let (count, told) = (objects.len() as u64, target.report["count"].as_u64().unwrap());
        assert!(count.abs_diff(told) < 100, "{}: {count} of {told}", python.display());
        let few = tracked(&target.memory, layout, target.runtime, interp, 50).unwrap();
        assert!(few.cut && few.objects == found.objects[..50], "{}", python.display());
    }
}

/// Parameters, locals, and what is in cells because an inner function uses it.
#[test]
fn locals_of_running_functions_are_found() {
    for python in interpreters::found(8) {
        let (target, interp) = start(&python);
        let found = locals(&target.memory, &target.checked.layout, interp).unwrap();
        let found: BTreeSet<_> = found.into_iter().map(|(address, _)| address).collect();
        // Up to 3.10 what is in a cell stands behind the locals.
        let skipped = usize::from(target.checked.layout.minor <= 10);
        for local in addresses(&target.report["locals"]).iter().skip(skipped) {
            assert!(found.contains(local), "{}: {local:#x} of {found:x?}", python.display());
        }
    }
}

/// A class that has not changed is told by two reads to be as it was; each kind of change shows.
#[test]
fn changes_of_a_class_are_noticed() {
    for python in interpreters::found(8) {
        let (mut target, _) = start(&python);
        let addr = target.report["changing"].as_u64().unwrap();
        let state = |target: &Target, before: Option<&_>| {
            class_state(&target.memory, &target.checked.layout, addr, before).unwrap()
        };
        let mut before = state(&target, None);
        for change in ["added", "rebound", "new bases", "deleted"] {
            assert!(!state(&target, Some(&before)).differs_from(&before), "{}", python.display());
            target.ask();
            let now = state(&target, Some(&before));
            assert!(now.differs_from(&before), "{}: {change}", python.display());
            before = now;
        }
    }
}
