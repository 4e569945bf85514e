//! Wrong usage, and readers that go away.
use std::io::Read;
use std::process::Stdio;

use super::{molt, run, text};

/// Wrong usage is 2 and a message that names what is wrong, on standard error alone.
#[test]
fn wrong_usage_is_status_two() {
    let wrong: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["nonsense"], "nonsense"),
        (&["trace"], "COMMAND"),
        (&["trace", "python3"], "python3"),
        (&["trace", "--pid", "1", "--", "true"], "--pid"),
        (&["trace", "--pid", "0"], "--pid"),
        (&["trace", "--pid", "x"], "--pid"),
        (&["trace", "--pid", "1", "x"], "--pid"),
        (&["trace", "--user", "nobody", "--pid", "1"], "--user"),
        (&["trace", "--wait-for", "python", "--", "true"], "--wait-for"),
        (&["trace", "--wait-for", ""], "--wait-for"),
        (&["trace", "--wait-for-cmdline", "app", "--pid", "1"], "--wait-for-cmdline"),
        (&["trace", "--timeout", "1s", "--", "true"], "--timeout"),
        (&["trace", "-F", "0", "--", "true"], "--frequency"),
        (&["trace", "-F", "1000000", "--", "true"], "--frequency"),
        (&["trace", "--duration", "soon", "--", "true"], "--duration"),
        (&["trace", "--duration", "0s", "--", "true"], "--duration"),
        (&["trace", "--redact", "some", "--", "true"], "--redact"),
        (&["trace", "--unknown", "--", "true"], "--unknown"),
        (&["validate"], "PATH"),
        (&["doctor", "--pid", "0"], "--pid"),
        (&["doctor", "--pid", "1", "--python", "python3"], "--python"),
    ];
    for (arguments, named) in wrong {
        let output = run(&mut molt(arguments));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// `profile` is the format's own name for `trace`.
#[test]
fn profile_is_trace_by_another_name() {
    let output = run(&mut molt(&["profile", "-F", "0", "--", "true"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--frequency"));
}

/// A reader that has seen enough ends a pipeline without a word.
#[test]
fn reader_that_goes_away_is_no_failure() {
    for arguments in [&["completions", "bash"][..], &["man"], &["trace", "--help"]] {
        let mut child = molt(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before molt has written: its first write finds nobody.
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{arguments:?}: {status}");
        assert_eq!(said, "", "{arguments:?}");
    }
}
