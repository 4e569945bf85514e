//! What is in classes and instances.

use crate::support::{interpreters, target::Target};
use molt_user::cpython::Known;
use molt_user::symbolize::modules::main_interpreter;
use molt_user::symbolize::types::{
    Class, Instance, MAX_ATTRIBUTES, read_class, read_instance, read_slots, read_type_name,
};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

const MODULES: &[&str] = &[
    "asyncio",
    "ctypes",
    "datetime",
    "decimal",
    "enum",
    "json",
    "pathlib",
    "sqlite3",
    "threading",
    "zoneinfo",
];

fn start(python: &Path) -> Target {
    let old = python.to_str().is_some_and(|path| path.contains("3.8"));
    let modules = &MODULES[..MODULES.len() - usize::from(old)];
    Target::run(python, &["-E", "-s", "-S", "-B"], "class_objects.py", modules)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// Reads one target; names each type once.
struct Reader<'a> {
    target: &'a Target,
    interp: u64,
    names: RefCell<HashMap<u64, Known<String>>>,
}

impl<'a> Reader<'a> {
    fn new(target: &'a Target) -> Self {
        let interp = main_interpreter(&target.memory, &target.checked.layout, target.runtime).unwrap();
        Reader { target, interp, names: RefCell::default() }
    }

    fn name(&self, kind: u64) -> Known<String> {
        let read = || {
            let name = read_type_name(&self.target.memory, &self.target.checked.layout, kind)?;
            Ok(name.chars().take(200).collect())
        };
        self.names.borrow_mut().entry(kind).or_insert_with(read).clone()
    }

    fn class(&self, addr: u64) -> Known<Class> {
        let layout = &self.target.checked.layout;
        read_class(&self.target.memory, layout, self.interp, addr, |kind| self.name(kind))
    }

    fn instance(&self, addr: u64, class: u64) -> Known<Instance> {
        let layout = &self.target.checked.layout;
        let slots = read_slots(&self.target.memory, layout, class)?;
        read_instance(&self.target.memory, layout, addr, &slots, |kind| self.name(kind))
    }
}

/// Bases, method resolution order and attributes of every class that can be reached from `object`, on every
/// interpreter found. One has 10,000 attributes of its own.
#[test]
fn classes_are_what_the_interpreter_says() {
    for python in interpreters::found(8) {
        let target = start(&python);
        let reader = Reader::new(&target);
        let mut wrong = Vec::new();
        for want in target.report["classes"].as_array().unwrap() {
            let name = want["name"].as_str().unwrap();
            match reader.class(number(&want["address"])) {
                Ok(class) => compare(want, &class, &mut wrong),
                Err(reason) => wrong.push(format!("{name}: {reason}")),
            }
        }
        let shown = wrong.len().min(20);
        assert!(wrong.is_empty(), "{}: {}\n{}", python.display(), wrong.len(), wrong[..shown].join("\n"));
    }
}

fn compare(want: &Value, class: &Class, wrong: &mut Vec<String>) {
    let mut check = |field: &str, got: Value, want: &Value| {
        if got != *want {
            let all = format!("{field}: {got} for {want}");
            wrong.push(all.chars().take(600).collect());
        }
    };
    let name = want["name"].as_str().unwrap();
    check(&format!("{name} bases"), json!(class.bases.as_ref().ok()), &want["bases"]);
    check(&format!("{name} mro"), json!(class.mro.as_ref().ok()), &want["mro"]);
    let Ok(attributes) = &class.attributes else {
        return check(&format!("{name} attributes"), format!("{:?}", class.attributes).into(), &Value::Null);
    };
    let got: Vec<_> =
        attributes.list.iter().map(|attribute| json!([attribute.name.value, attribute.kind])).collect();
    let mut all = want["attributes"].as_array().unwrap().clone();
    let rest = all.len().saturating_sub(MAX_ATTRIBUTES);
    all.truncate(MAX_ATTRIBUTES);
    check(&format!("{name} attributes"), json!([got, attributes.rest]), &json!([all, rest]));
    if rest == 0 {
        let form = class.form.unwrap();
        let form = json!([form.is_dataclass, form.is_enum, form.is_named_tuple, form.has_slots]);
        check(&format!("{name} form"), form, &want["form"]);
    }
    for attribute in &attributes.list {
        assert!(!attribute.is_slot || attribute.kind == "member_descriptor");
    }
}

/// Attributes in slots, in values beside the object, in dicts, in order, on every interpreter found.
#[test]
fn instances_are_what_was_put_into_them() {
    for python in interpreters::found(8) {
        let target = start(&python);
        let reader = Reader::new(&target);
        for (at, want) in target.report["instances"].as_array().unwrap().iter().enumerate() {
            let what = format!("{} {at} {:?}", python.display(), reader.name(number(&want["class"])));
            let got = reader.instance(number(&want["address"]), number(&want["class"]));
            let got = got.unwrap_or_else(|reason| panic!("{what}: {reason}"));
            assert!(!got.rest, "{what}");
            let part = |is_slot| {
                let part = got.attributes.iter().filter(|attribute| attribute.is_slot == is_slot);
                part.map(|attribute| json!([attribute.name.value, attribute.kind])).collect::<Vec<_>>()
            };
            assert_eq!(json!(part(true)), want["slots"], "{what}");
            assert_eq!(json!(part(false)), want["dict"], "{what}");
        }
    }
}

/// The interpreter notes the names that instances of a class share.
#[test]
fn classes_have_the_names_of_their_instances() {
    for python in interpreters::found(8) {
        let target = start(&python);
        let class = Reader::new(&target).class(number(&target.report["same"])).unwrap();
        let names: Vec<_> = class.instance_names.unwrap().into_iter().map(|name| name.value).collect();
        assert_eq!(names, ["first", "second", "third"], "{}", python.display());
    }
}
