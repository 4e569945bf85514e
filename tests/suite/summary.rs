//! What molt says on standard error: a line while a terminal shows it, and at the end the figures of the artifact.
use std::fs;
use std::path::Path;
use std::process::Stdio;

use molt_mpa::model::{Artifact, Hotspot, Samples};

use crate::support::artifact::{molt_trace, read};
use crate::support::process::Running;
use crate::support::pythons::Interpreter;

/// Most functions that are named at the end.
const HOTTEST: usize = 5;
/// How the status line begins after a second.
pub(crate) const STATUS: &str = "molt: 1 s, ";
/// What takes a terminal's line away (ECMA-48, `EL` 2).
const ERASE_LINE: &str = "\x1b[2K";

/// A terminal has a line each second that says how far the run has come; it is taken away before the summary.
pub(crate) fn terminal_has_a_status_line_and_a_summary(python: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("profile.json");
    let mut command = molt_trace(&output, python);
    command.arg("shares.py").env("MOLT_TEST_SECONDS", "1.5").env("TERM", "xterm").stdin(Stdio::null());
    let ended = Running::start_on_terminal(&mut command).wait().succeeded();
    let (_, samples) = ended.stderr.split_once(STATUS).unwrap_or_else(|| panic!("{:?}", ended.stderr));
    let samples: u64 = samples.split_once(" samples").unwrap().0.parse().unwrap();
    let artifact = read(&output);
    assert!((1..=artifact.collector.samples.unwrap().kept).contains(&samples), "{samples}");
    let left: Vec<_> = ended.stderr.lines().filter_map(|line| line.rsplit(ERASE_LINE).next()).collect();
    let left = left.join("\n");
    assert!(!left.contains(STATUS), "{left:?}");
    check(&left, &artifact, &output);
    assert_eq!(hottest(&artifact).count(), HOTTEST);
}

/// What is said at the end of a run, first of all, is what its artifact says, and where that is.
pub(crate) fn check(said: &str, artifact: &Artifact, output: &Path) {
    let mut lines = said.lines().filter_map(|line| line.trim_start_matches('\r').strip_prefix("molt: "));
    let all: f64 = artifact.hotspots.iter().map(time).sum();
    for row in hottest(artifact) {
        let (share, name) = lines.next().and_then(|line| line.split_once(" %  ")).unwrap();
        let share: f64 = share.trim().parse().unwrap();
        assert_eq!(name, row.symbol, "{said}");
        assert!((share - 100.0 * time(row) / all).abs() < 0.1, "{share} % {name}");
    }

    let Samples { taken, kept, lost, torn, cut, unresolved, .. } = artifact.collector.samples.unwrap();
    let counts = lines.next().unwrap();
    let (seconds, counts) =
        counts.strip_prefix(&format!("{taken} samples in ")).unwrap().split_once(' ').unwrap();
    let ran = artifact.header.run_metadata.duration_ms.as_micros();
    let shown = seconds.replace('.', "").parse::<u64>().unwrap() * 100_000;
    assert!(shown.abs_diff(ran) <= 50_000, "{seconds} s, not {ran} us");
    let rest =
        format!("s: {kept} of Python code, {lost} lost, {torn} torn, {cut} cut, {unresolved} unresolved");
    assert_eq!(counts, rest);

    let place = format!("{}, ", output.display());
    let size = lines.find_map(|line| line.strip_prefix(&place)).unwrap_or_else(|| panic!("{said}"));
    let (number, unit) = size.split_once(' ').unwrap();
    let (number, step) = match unit {
        "bytes" => (number.to_owned(), 1),
        "kB" => (number.to_owned(), 1000),
        "MB" => (number.replace('.', ""), 100_000),
        _ => panic!("{size}"),
    };
    let bytes = fs::metadata(output).unwrap().len();
    assert!((number.parse::<u64>().unwrap() * step).abs_diff(bytes) <= step / 2, "{size}, not {bytes}");
}

fn hottest(artifact: &Artifact) -> impl Iterator<Item = &Hotspot> {
    artifact.hotspots.iter().filter(|row| row.samples > 0).take(HOTTEST)
}

fn time(row: &Hotspot) -> f64 {
    std::time::Duration::from_micros(row.time_ms.as_micros()).as_secs_f64()
}
