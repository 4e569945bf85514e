//! What the files of deploy/ let molt do.
use std::fs;
use std::path::Path;

use super::{molt, run, text};

/// The words after molt, by the file that has them.
fn command_lines() -> Vec<(String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for line in fs::read_to_string(&path).unwrap().lines() {
            if let Some(words) = line.trim().strip_prefix("args: ") {
                // The list is written as JSON is, which YAML contains.
                found.push((name.clone(), serde_json::from_str(words).unwrap()));
            } else if let Some(words) = line.strip_prefix("ExecStart=/usr/local/bin/molt ") {
                found.push((name.clone(), words.split(' ').map(String::from).collect()));
            }
        }
    }
    found
}

/// Every option that a container or a unit gives molt is one that it has.
#[test]
fn deployed_command_lines_are_right() {
    let lines = command_lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (file, words) in lines {
        let words: Vec<&str> = words.iter().map(String::as_str).chain(["--no-such-option"]).collect();
        let output = run(&mut molt(&words));
        let said = text(&output.stderr);
        // Options are read from left to right: only the last one is wrong.
        assert_eq!(output.status.code(), Some(2), "{file}: {said}");
        assert!(said.contains("'--no-such-option'"), "{file}: {said}");
    }
}
