//! Qualified names and calls out of the source.

use crate::support::{interpreters, target::Target};
use molt_user::cpython::object::Objects;
use molt_user::symbolize::functions::{Budget, Wanted, find_qualname};
use molt_user::symbolize::source::{NoSource, Reader, SourceFile, Sources};
use std::path::Path;

const MODULES: &[&str] = &[
    "argparse",
    "asyncio",
    "dataclasses",
    "decimal",
    "_pydecimal",
    "difflib",
    "email.parser",
    "pdb",
    "typing",
    "unittest",
];

/// The names that the source gives are those that the interpreter has: of functions up to 3.10, of all code in
/// 3.11, whose names are made by the same rules.
#[test]
fn names_from_the_source_are_the_interpreters_own() {
    for python in interpreters::found(8) {
        let target = Target::start(&python, "plain", MODULES);
        if target.checked.layout.minor > 11 {
            continue;
        }
        let root = format!("/proc/{}/root", target.pid());
        let cwd = std::fs::read_link(format!("/proc/{}/cwd", target.pid())).unwrap();
        let sources = Sources::new(Path::new(&root), &cwd, Reader { uid: 0, gid: 0 }).unwrap();
        let mut sources =
            sources.with_library(&python.canonicalize().unwrap(), target.checked.layout.minor, false);
        let (mut right, mut unknown, mut frozen, mut wrong) = (0, 0, 0, Vec::new());
        for code in target.report["codes"].as_array().unwrap() {
            let text = |field: &str| code[field].as_str().unwrap_or_default();
            let (name, want, line) = (text("name"), text("qualname"), code["first_line"].as_i64().unwrap());
            if want.is_empty() || name == "<module>" {
                continue;
            }
            let file = match sources.get(text("filename")) {
                Ok(file) => file,
                Err(NoSource::NotFromFile) if !text("filename").starts_with("<frozen ") => continue,
                Err(reason) => panic!("{}: {reason}", text("filename")),
            };
            frozen += usize::from(text("filename").starts_with("<frozen "));
            let outline = file.outline().expect("the standard library parses");
            match outline.qualname(name, i32::try_from(line).unwrap()) {
                Some(got) if got == want => right += 1,
                // It renames the functions that it makes, at run time.
                Some(got) if got.starts_with("namedtuple.<locals>.") => {}
                Some(got) => wrong.push(format!("{}:{line} {got} for {want}", text("filename"))),
                None => unknown += 1,
            }
        }
        assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(20)].join("\n"));
        assert!(right > 1000 && unknown * 200 < right, "{right} right, {unknown} unknown");
        assert!(frozen > 100, "{frozen} in frozen modules");
    }
}

/// Up to 3.10 the functions in a module's namespace, in its classes, and inside their code have the names that
/// they say; others, as those in a list, have none.
#[test]
fn names_from_functions_are_the_interpreters_own() {
    for python in interpreters::found(8) {
        let target = Target::start(&python, "plain", &["argparse"]);
        let layout = &target.checked.layout;
        let objects = Objects::new(&target.memory, layout);
        let (mut found, mut generated, mut lost, mut wrong) = (0, 0, Vec::new(), Vec::new());
        for code in target.report["codes"].as_array().unwrap() {
            let text = |field: &str| code[field].as_str().unwrap_or_default();
            let (name, want, globals) = (text("name"), text("qualname"), code["globals"].as_u64().unwrap());
            let is_generated = text("filename") == "<generated>";
            if want.is_empty() || globals == 0 || !(is_generated || text("module") == "argparse") {
                continue;
            }
            let mut budget = Budget::default();
            let wanted = Wanted { code: code["address"].as_u64().unwrap(), globals, callers: &[], name };
            let got = find_qualname(&objects, wanted, &mut budget);
            if got.as_ref().is_some_and(|got| got != want) {
                wrong.push(format!("{got:?} for {want}"));
            }
            found += usize::from(got.is_some());
            generated += usize::from(is_generated);
            if is_generated && got.is_none() {
                lost.push(want);
            }
        }
        if layout.minor > 10 {
            assert_eq!(found, 0, "{}", python.display());
            continue;
        }
        assert!(wrong.is_empty(), "{}: {}", python.display(), wrong.join("\n"));
        assert!(found > 100, "{}: {found} names", python.display());
        assert!(generated > 10 && lost == ["<lambda>"], "{}: {lost:?} of {generated}", python.display());
    }
}

/// While a module runs, all code in it has the name that the source gives to it.
#[test]
fn names_from_a_running_module_are_those_of_its_source() {
    for python in interpreters::found(8) {
        let target = Target::start(&python, "plain", &[]);
        let objects = Objects::new(&target.memory, &target.checked.layout);
        if target.checked.layout.minor > 10 {
            continue;
        }
        let text = include_bytes!("../programs/code_objects.py").to_vec();
        let source = SourceFile::new(text, None).unwrap();
        let outline = source.outline().unwrap();
        let [globals, module] = [0, 1].map(|at| target.report["main"][at].as_u64().unwrap());
        let mut compared = 0;
        for code in target.report["codes"].as_array().unwrap() {
            let (name, line) = (code["name"].as_str().unwrap(), code["first_line"].as_i64().unwrap());
            let Some(want) = outline.qualname(name, i32::try_from(line).unwrap()) else { continue };
            if code["filename"].as_str().unwrap().ends_with("code_objects.py") {
                let address = code["address"].as_u64().unwrap();
                let wanted = Wanted { code: address, globals, callers: &[module], name };
                let got = find_qualname(&objects, wanted, &mut Budget::default());
                assert_eq!(got.as_deref(), Some(want), "{}:{line}", python.display());
                compared += 1;
            }
        }
        assert!(compared > 20, "{}: {compared} names", python.display());
    }
}

/// A search ends with its budget.
#[test]
fn search_for_a_function_is_bounded() {
    for python in interpreters::found(8) {
        let target = Target::start(&python, "plain", &[]);
        let objects = Objects::new(&target.memory, &target.checked.layout);
        if target.checked.layout.minor > 10 {
            continue;
        }
        let codes = target.report["codes"].as_array().unwrap();
        let code = codes.iter().find(|code| code["qualname"] == "Generated.method").unwrap();
        let find = |budget: &mut Budget| {
            let [globals, code] = ["globals", "address"].map(|field| code[field].as_u64().unwrap());
            find_qualname(&objects, Wanted { code, globals, callers: &[], name: "method" }, budget)
        };
        let mut budget = Budget::default();
        assert_eq!(find(&mut budget).as_deref(), Some("Generated.method"));
        while find(&mut budget).is_some() {}
        assert_eq!(find(&mut budget), None);
    }
}
