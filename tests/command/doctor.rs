//! `molt doctor` as anybody may run it.
use serde_json::Value;

use super::{molt, run, text};

/// Both forms say the same, whatever this machine lacks, and the exit status is the verdict.
#[test]
fn table_and_json_say_the_same() {
    let table = run(&mut molt(&["doctor"]));
    let json = run(&mut molt(&["doctor", "--json"]));
    let report: Value = serde_json::from_str(text(&json.stdout)).unwrap();
    let verdicts = ["all", "some", "none"];
    let verdict = verdicts.iter().position(|verdict| report["verdict"] == *verdict).unwrap();
    assert_eq!(json.status.code(), i32::try_from(verdict).ok());
    assert_eq!(table.status.code(), json.status.code());
    let table = text(&table.stdout);
    for (group, facts) in report.as_object().unwrap().iter().filter(|(_, facts)| facts.is_object()) {
        assert!(table.lines().any(|line| line == group), "{group}");
        for (name, fact) in facts.as_object().unwrap() {
            let mark = if fact["state"] == "lacking" { "  ! " } else { "  " };
            let shown =
                |line: &str| line.starts_with(mark) && line.split_whitespace().any(|word| word == name);
            assert!(table.lines().any(shown), "{name} {fact}");
        }
    }
    assert!(!table.contains('\x1b'));
}

/// A path that leads nowhere is said, and the machine is described all the same.
#[test]
fn absent_interpreter_is_named() {
    let output = run(&mut molt(&["doctor", "--python", "/absent/\x1b[2Jpython"]));
    assert_eq!(output.status.code(), Some(2));
    let table = text(&output.stdout);
    assert!(table.contains("failed to read /absent/\\u{1b}[2Jpython"), "{table}");
    assert!(table.contains("release"), "{table}");
}

/// No process has this id: the largest that Linux gives is 2^22.
#[test]
fn absent_process_is_named() {
    let output = run(&mut molt(&["doctor", "--pid", "4194304"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains("process 4194304 does not exist"));
    let traced = run(&mut molt(&["trace", "--pid", "4194304", "-o", "-"]));
    assert_eq!(traced.status.code(), Some(125));
    let said = text(&traced.stderr);
    // In a pid namespace of its own molt gives up before it looks.
    assert!(said.contains("process 4194304 does not exist") || said.contains("pid namespace"), "{said}");
    assert!(traced.stdout.is_empty());
}
