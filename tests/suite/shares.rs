//! Shares of time against a program that keeps known ones.
use molt_mpa::model::Artifact;

use super::summary::STATUS;
use crate::support::artifact::trace_for;
use crate::support::program::script;
use crate::support::pythons::Interpreter;

/// Most that a share may be off, in percent of all time.
const POINTS: f64 = 3.0;

/// Each function of shares.py gets the share that its own clock gave it.
pub(crate) fn shares_of_time_are_within_three_points(python: &Interpreter) {
    let (artifact, traced) = trace_for(python, &script("shares"), "3");
    check(&artifact);
    assert!(!traced.stderr.contains(STATUS), "a status line, and no terminal: {}", traced.stderr);
}

/// Compares what an artifact of shares.py says with what the program kept.
pub(crate) fn check(artifact: &Artifact) {
    let program = script("shares");
    let words = program.says("share");
    let expected: Vec<(&str, f64)> =
        words.chunks(2).map(|pair| (pair[0].as_str(), pair[1].parse().unwrap())).collect();
    // The shares are of the time in these five: starting the interpreter is not part of them.
    let time = |name: &str| -> f64 {
        let found =
            artifact.hotspots.iter().find(|hotspot| hotspot.symbol == name && hotspot.native.is_none());
        let millis = found.unwrap_or_else(|| panic!("{name} is no hotspot")).time_ms;
        std::time::Duration::from_micros(millis.as_micros()).as_secs_f64()
    };
    let all: f64 = expected.iter().map(|(name, _)| time(name)).sum();
    let measured: Vec<(&str, f64, f64)> =
        expected.iter().map(|(name, share)| (*name, *share, 100.0 * time(name) / all)).collect();
    let off = measured.iter().any(|(_, share, measured)| (share - measured).abs() > POINTS);
    assert!(!off, "function, expected and measured percent: {measured:?}");
    // The program runs for three seconds, of which a busy machine gives it a part.
    assert!(all > 1.0, "only {all} seconds were measured");
}
