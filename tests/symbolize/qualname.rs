//! Qualified names and calls out of the source.

use crate::support::{interpreters, target::Target};
use molt_user::symbolize::source::{NoSource, Reader, Sources};
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
        let mut sources = Sources::new(Path::new(&root), &cwd, Reader { uid: 0, gid: 0 }).unwrap();
        let (mut right, mut unknown, mut wrong) = (0, 0, Vec::new());
        for code in target.report["codes"].as_array().unwrap() {
            let text = |field: &str| code[field].as_str().unwrap_or_default();
            let (name, want, line) = (text("name"), text("qualname"), code["first_line"].as_i64().unwrap());
            if want.is_empty() || name == "<module>" {
                continue;
            }
            let file = match sources.get(text("filename")) {
                Ok(file) => file,
                Err(NoSource::NotFromFile) => continue,
                Err(reason) => panic!("{}: {reason}", text("filename")),
            };
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
    }
}
