//! Code objects: names, hashes, positions.

use crate::support::{hex, interpreters, target::Target};
use molt_user::cpython::Unknown;
use molt_user::cpython::text::Text;
use molt_user::symbolize::code::{CodeObject, read_code};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Modules with some 5,000 code objects of all kinds.
const MODULES: &[&str] = &[
    "ast",
    "asyncio",
    "argparse",
    "dataclasses",
    "decimal",
    "_pydecimal",
    "difflib",
    "doctest",
    "email.parser",
    "http.client",
    "inspect",
    "logging",
    "multiprocessing.pool",
    "pdb",
    "statistics",
    "tarfile",
    "turtle",
    "typing",
    "unittest",
    "xml.etree.ElementTree",
    "zipfile",
];

/// Compares every code object of a target; gives the differences.
fn differences(target: &Target) -> (usize, Vec<String>) {
    let mut found = Vec::new();
    let codes = target.report["codes"].as_array().expect("a list");
    for want in codes {
        let (addr, globals) = (number(&want["address"]), number(&want["globals"]));
        match read_code(&target.memory, &target.checked.layout, addr, globals) {
            Ok(code) => compare(want, &code, &mut found),
            Err(reason) => found.push(format!("{}: {reason}", want["name"])),
        }
    }
    (codes.len(), found)
}

fn compare(want: &Value, code: &CodeObject, found: &mut Vec<String>) {
    let mut check = |field: &str, got: Value| {
        if got != want[field] {
            found.push(format!("{}.{field}: {got} for {}", want["name"], want[field]));
        }
    };
    let value = |text: &Result<Text, Unknown>| match text {
        Ok(text) => Value::from(text.value.as_str()),
        Err(reason) => Value::from(format!("{reason:?}")),
    };
    check("name", value(&code.name));
    check("filename", value(&code.filename));
    check("first_line", code.first_line.into());
    check("flags", code.flags.into());
    check("counts", vec![code.argcount, code.posonlyargcount, code.kwonlyargcount].into());
    check("hash", code.code_hash.map_or_else(|reason| reason.name().into(), |hash| hex(&hash).into()));
    check("positions", positions(code).into());
    if !want["first_parameter"].is_null() {
        check("first_parameter", value(&code.first_parameter));
    }
    if !want["module"].is_null() {
        check("module", value(&code.module));
    }
    if code.minor >= 11 {
        check("qualname", value(&code.qualname));
    } else if code.qualname != Err(Unknown::NotInVersion) {
        found.push("a qualname where the version has none".to_owned());
    }
}

/// SHA-256 over one row for each code unit, as the target makes it.
fn positions(code: &CodeObject) -> String {
    let part = |value: Option<i64>| value.map_or("None".to_owned(), |value| value.to_string());
    let mut rows = String::new();
    for unit in 0..code.code.as_ref().map_or(0, |code| code.len() / 2) {
        let at = code.position(i32::try_from(2 * unit).expect("small"));
        let line = part(at.map(|at| at.line.into()));
        let end_line = part(at.and_then(|at| at.end_line).map(Into::into));
        let [col, end_col] = [at.and_then(|at| at.col), at.and_then(|at| at.end_col)];
        writeln!(rows, "{line} {end_line} {} {}", part(col.map(Into::into)), part(end_col.map(Into::into)))
            .expect("a String takes all");
    }
    hex(&Sha256::digest(rows))
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn compare_all(mode: &str, oldest: u8, modules: &[&str]) {
    for python in interpreters::found(oldest) {
        let target = Target::start(&python, mode, modules);
        assert_eq!(target.checked.compared, target.checked.layout.minor >= 13, "own offsets");
        assert_eq!(target.checked.differences, [], "{}", python.display());
        let (count, found) = differences(&target);
        assert!(
            found.is_empty(),
            "{} {mode}: {} of {count}\n{}",
            python.display(),
            found.len(),
            found[..found.len().min(20)].join("\n")
        );
        assert!(count > 1000, "{}: only {count} code objects", python.display());
    }
}

/// Names, hashes and positions of a warmed-up standard library, on every interpreter found.
#[test]
fn code_objects_are_what_the_interpreter_says() {
    compare_all("plain", 8, MODULES);
}

/// Tracing and profiling functions rewrite code from 3.12 on.
#[test]
fn hashes_hold_under_settrace_and_setprofile() {
    compare_all("settrace", 8, &["dataclasses"]);
    compare_all("profile", 8, &["dataclasses"]);
}

/// Two tools of `sys.monitoring` with all events put three layers over each instruction.
#[test]
fn hashes_hold_under_sys_monitoring() {
    compare_all("monitoring", 12, &["dataclasses", "ast"]);
}
