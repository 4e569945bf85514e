//! What stands between molt's command line and the interpreter.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use molt_mpa::model::Artifact;

use crate::support::artifact::{molt, read};
use crate::support::process::{Ended, run};
use crate::support::pythons::{Interpreter, root};
use crate::support::unsupported::{Unsupported, unsupported};

/// Traces a command that must end well, in whose artifact recursion.py must be found.
fn recursion_through(command: &[&Path]) -> Artifact {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    run(molt()
        .args(["trace", "-F", "499", "-o"])
        .arg(&output)
        .arg("--")
        .args(command)
        .env("MOLT_TEST_SECONDS", "1"))
    .succeeded();
    let artifact = read(&output);
    assert!(artifact.symbols.contains_key("__main__.fib"), "{:?}", artifact.symbols.keys());
    artifact
}

/// Writes a file that can be executed.
fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// As pyenv's shims do: other programs first, then exec; and python as the child of a shell.
pub(crate) fn shell_script_that_starts_python_is_followed(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    for (name, start) in [("shim", "exec "), ("parent", "")] {
        let script = folder.path().join(name);
        let file = python.path.display();
        executable(&script, &format!("#!/bin/sh\nuname > /dev/null\n{start}'{file}' \"$@\"\nexit $?\n"));
        let artifact = recursion_through(&[&script, "recursion.py".as_ref()]);
        assert_eq!(artifact.header.python_version, python.version);
    }
}

/// `env python`, and a script whose first line names the interpreter.
pub(crate) fn env_and_shebang_are_followed(python: &Interpreter) {
    let file = &python.path;
    recursion_through(&["env".as_ref(), "A=1".as_ref(), file, "recursion.py".as_ref()]);
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("shebang.py");
    let text = fs::read_to_string(root().join("tests/programs/recursion.py")).unwrap();
    let search = root().join("tests/programs");
    let path = format!("import sys\nsys.path.insert(0, '{}')\n", search.display());
    executable(&script, &format!("#!{}\n{path}{text}", file.display()));
    recursion_through(&[&script]);
}

/// A virtual environment's python is a link to another folder's.
pub(crate) fn virtual_environment_is_followed(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    run(python.start().args(["-m", "venv", "--without-pip", "--symlinks"]).arg(folder.path())).succeeded();
    let artifact = recursion_through(&[&folder.path().join("bin/python"), "recursion.py".as_ref()]);
    assert_eq!(artifact.header.python_version, python.version);
}

/// A program that never becomes Python runs as without molt, and is named at its end.
pub(crate) fn target_that_is_not_python_is_reported(_: &Interpreter) {
    let ended = not_traced(Command::new("sh").args(["-c", "echo out; exit 5"]));
    assert_eq!((ended.code(), ended.stdout.as_str()), (5, "out\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("Python"), "{}", ended.stderr);
}

/// A Python that is not supported still runs, and molt says which it found and which it supports.
pub(crate) fn unsupported_pythons_are_refused_by_name(_: &Interpreter) {
    for Unsupported { what, path, .. } in &unsupported() {
        let ended = not_traced(Command::new(path).args(["-c", "print(6 * 7)"]));
        assert_eq!((ended.code(), ended.stdout.as_str()), (0, "42\n"), "{what}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("found {what}")) && ended.stderr.contains("CPython 3.8 to 3.15"),
            "{what}: {}",
            ended.stderr
        );
    }
}

/// Runs a command under molt, which cannot trace it.
fn not_traced(command: &Command) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    run(molt()
        .args(["trace", "-o"])
        .arg(&output)
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args()))
}
