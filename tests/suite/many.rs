//! Runs that write more than one artifact.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use molt_mpa::model::{Artifact, Event, EventKind};
use nix::sys::signal::Signal;

use crate::support::artifact::{molt, read};
use crate::support::process::{Running, run, wait_for};
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

/// A run whose time is up, or that SIGTERM ends, writes the part in progress like those before it, whether molt attached
/// to the program or started it.
pub(crate) fn part_in_progress_is_written_at_the_end(python: &Interpreter) {
    let every = ["--mode", "sample", "-F", "499", "--every", "800ms"];
    let target = super::attach::target(python);
    let pid = target.pid().to_string();
    for (ending, status) in [("time", 0), ("signal", 0), ("signal to a launched one", 143)] {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("{seq}.json");
        let mut command = match ending {
            "time" => trace_running(&pid, &[&every[..], &["--duration", "1200ms"]].concat(), &output),
            "signal" => trace_running(&pid, &every, &output),
            _ => trace(python, &every, &output, &["waits.py"]),
        };
        let molt = Running::start(command.stdin(Stdio::piped()));
        if ending != "time" {
            wait_for("the first part", || folder.path().join("0001.json").exists().then_some(()));
            std::thread::sleep(Duration::from_millis(400));
            molt.signal(Signal::SIGTERM);
        }
        molt.wait().with_code(status);
        let parts = artifacts(folder.path());
        assert!(parts.len() >= 2, "{ending}: {}", parts.len());
        let (_, last) = parts.last().unwrap();
        let hottest = last.hotspots.first().map(|hotspot| hotspot.symbol.as_str());
        assert_eq!(hottest, Some("__main__.work"), "{ending}");
        assert!(last.modules.contains_key("select"), "{ending}: {:?}", last.modules.keys());
        let ends = |event: &Event| matches!(event.what, EventKind::ProcessEnd { .. });
        assert!(last.events.iter().any(ends), "{ending}: {:?}", last.events);
        let length = |part: &Artifact| part.header.run_metadata.duration_ms.as_micros();
        let whole: u64 = parts.iter().map(|(_, part)| length(part)).sum();
        assert!(length(last) >= 200_000 && whole >= 1_100_000, "{ending}: {whole}, {}", length(last));
    }
}

/// molt attached to a process.
fn trace_running(pid: &str, options: &[&str], output: &Path) -> Command {
    let mut command = molt();
    command.args(["trace", "--pid", pid]).args(options).arg("-o").arg(output);
    command
}

/// Several files cannot have one name.
pub(crate) fn many_files_need_many_names(python: &Interpreter) {
    for (options, word) in [(["--every", "1s"], "{seq}"), (["--split", "--quiet"], "{pid}")] {
        let ended = run(&mut trace(python, &options, Path::new("one.json"), &["tree/family.py"]));
        assert_eq!(ended.code(), 125, "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("--output needs {word}")), "{}", ended.stderr);
    }
}
