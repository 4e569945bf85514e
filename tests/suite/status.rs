//! molt stands in front of a command as if it were not there: status, input, output.
use std::fs;
use std::process::{Command, Stdio};
use std::str::FromStr;

use molt_mpa::model::EventKind;
use nix::sys::signal::Signal;

use crate::support::artifact::{molt, molt_trace, read};
use crate::support::process::{Ended, Running, run};
use crate::support::pythons::Interpreter;

/// Runs ends.py under molt; the artifact must be there and right however the program ends, and say how it did.
fn traced(python: &Interpreter, how: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let ended = run(molt_trace(&output, python).arg("ends.py").args(how));
    assert!(output.exists(), "no artifact was written: {}", ended.stderr);
    let events = read(&output).events;
    let told = events.iter().find_map(|event| match &event.what {
        EventKind::ProcessEnd { status: Some(status) } => Some(*status),
        EventKind::Signal { signal } => Some(128 + Signal::from_str(signal).unwrap() as i32),
        _ => None,
    });
    assert_eq!(told, Some(ended.code()), "{events:?}");
    ended
}

/// The target's exit status is molt's.
pub(crate) fn status_of_the_target_is_forwarded(python: &Interpreter) {
    for status in ["0", "1", "3", "125", "255"] {
        assert_eq!(traced(python, &["exit", status]).code().to_string(), status);
    }
    assert_eq!(traced(python, &["leave", "9"]).code(), 9);
    let raised = traced(python, &["raise"]);
    assert_eq!(raised.code(), 1);
    assert!(raised.stderr.contains("LookupError: nothing found"), "{}", raised.stderr);
    assert!(traced(python, &["say"]).stderr.contains("said"));
}

/// A target that a signal ended gives 128 and the signal's number, as in a shell.
pub(crate) fn signal_that_ends_the_target_is_added_to_128(python: &Interpreter) {
    for (signal, status) in [("SIGTERM", 143), ("SIGKILL", 137), ("SIGSEGV", 139), ("SIGHUP", 129)] {
        assert_eq!(traced(python, &["signal", signal]).code(), status, "{signal}");
    }
}

/// A command that is not there is 127, one that cannot be executed 126, as with `env` and `timeout`.
pub(crate) fn command_that_cannot_be_run_is_126_and_127(_: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let file = folder.path().join("not-executable");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    let of = |target: &std::path::Path| run(molt().args(["trace", "-o"]).arg(&output).arg("--").arg(target));
    let denied = of(&file);
    assert_eq!(denied.code(), 126, "{}", denied.stderr);
    assert!(denied.stderr.contains("not-executable"), "{}", denied.stderr);
    let absent = of(&folder.path().join("absent"));
    assert_eq!(absent.code(), 127, "{}", absent.stderr);
    assert_eq!(of("no-such-command-anywhere".as_ref()).code(), 127);
    assert!(!output.exists(), "an artifact of a run that never was");
}

/// Standard input, output and error are the target's own.
pub(crate) fn input_and_output_pass_through(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut text = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut text, "straße\n".repeat(20_000).as_bytes()).unwrap();
    std::io::Seek::rewind(&mut text).unwrap();
    let mut command: Command = molt_trace(&output, python);
    let ended = Running::start(command.args(["ends.py", "echo"]).stdin(Stdio::from(text))).wait().succeeded();
    assert_eq!(ended.stdout, "STRASSE\n".repeat(20_000));
    assert!(ended.stderr.contains("echoed\n"), "{}", ended.stderr);
}
