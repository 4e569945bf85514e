//! Runs that write more than one artifact.
use std::path::{Path, PathBuf};
use std::process::Command;

use molt_mpa::model::Artifact;

use crate::support::artifact::{molt, read};
use crate::support::process::run;
use crate::support::pythons::Interpreter;

fn trace(python: &Interpreter, options: &[&str], output: &Path, program: &[&str]) -> Command {
    let mut command = molt();
    command.arg("trace").args(options).arg("-o").arg(output).arg("--").arg(&python.path).args(program);
    command
}

/// Every artifact in a folder, by name.
pub(super) fn artifacts(folder: &Path) -> Vec<(PathBuf, Artifact)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

/// Each file is valid by itself, and every call of the run is in one of them.
pub(crate) fn long_run_is_written_in_parts(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--mode", "exact", "--every", "400ms"];
    let output = folder.path().join("molt-{pid}-{seq}.json");
    let ended = run(&mut trace(python, &options, &output, &["tree/steps.py", "2"])).succeeded();
    let calls = |part: &Artifact| part.symbols.get("__main__.step").and_then(|step| step.calls).unwrap_or(0);
    let parts = artifacts(folder.path());
    assert!(parts.len() >= 3, "{parts:?}");
    for (number, (path, part)) in (1..).zip(&parts) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.ends_with(&format!("-{number:04}.json")), "{name}");
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
        assert_eq!(part.header.python_version, python.version);
        assert_eq!(part.collector.processes.len(), 1);
        assert!(calls(part) == 0 || part.modules.contains_key("time"), "{name}");
    }
    let each: Vec<u64> = parts.iter().map(|(_, part)| calls(part)).collect();
    assert_eq!(each.iter().sum::<u64>(), 400, "{each:?}");
    assert!(each.iter().filter(|calls| **calls > 0).count() >= 3, "{each:?}");
}

/// Each process has a file, with what it did and nothing of what the others did.
pub(crate) fn each_process_has_a_file(python: &Interpreter) {
    for mode in ["exact", "sample"] {
        let folder = tempfile::tempdir().unwrap();
        let options = ["--mode", mode, "-F", "999", "--split"];
        let output = folder.path().join("{pid}.json");
        run(&mut trace(python, &options, &output, &["tree/family.py"])).succeeded();
        let files = artifacts(folder.path());
        assert_eq!(files.len(), 3, "{files:?}");
        let mut seen = Vec::new();
        for (path, file) in &files {
            assert_eq!(file.collector.processes.len(), 1, "{}", path.display());
            let samples = file.collector.samples.unwrap().kept;
            assert_eq!(file.collector.processes[0].samples, samples, "{}", path.display());
            assert!(file.modules.contains_key("os"), "{}", path.display());
            for function in ["first", "second", "parent"] {
                if file.hotspots.iter().any(|row| row.symbol == format!("__main__.{function}")) {
                    seen.push(function);
                }
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, ["first", "parent", "second"], "mode {mode}");
    }
}

/// Several files cannot have one name.
pub(crate) fn many_files_need_many_names(python: &Interpreter) {
    for (options, word) in [(["--every", "1s"], "{seq}"), (["--split", "--quiet"], "{pid}")] {
        let ended = run(&mut trace(python, &options, Path::new("one.json"), &["tree/family.py"]));
        assert_eq!(ended.code(), 125, "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("--output needs {word}")), "{}", ended.stderr);
    }
}
