//! Programs that do one thing without end, and others meanwhile.
use molt_mpa::model::{Artifact, Effect, Observation, Section};

use super::effects::effects;
use crate::support::artifact::trace_with;
use crate::support::program::{Program, script};
use crate::support::pythons::Interpreter;

const STORM: Program = script("storm");
const FLOOD: Program = script("flood");

/// A program that raises very many audit events is not watched for them while they cost too much; when the storm is
/// over, it is again.
pub(crate) fn storm_of_audit_events_is_let_pass(python: &Interpreter) {
    // What the storm has cost before it was noticed is saved up again while the program sleeps.
    let (artifact, traced) = trace_with(&["--budget", "20%"], python, &STORM, "0");
    let count = |function: &str, event: &str| {
        effects(&artifact)
            .filter(|(name, effect)| *name == function && effect.event == event)
            .map(|(_, effect)| effect.count)
            .sum::<u64>()
    };
    let stormy = count("storm", "builtins.id");
    assert!((1..500_000).contains(&stormy), "{stormy} events\n{}", traced.stderr);
    assert_eq!(count("later", "open"), 1, "{}", traced.stderr);
    let state = &artifact.collector.sections[Section::SymbolsEffects.name()];
    assert!(state.reason.as_ref().is_some_and(|reason| reason.contains("audit event")), "{state:?}");
}

/// What a function did by a system call.
fn syscall<'a>(artifact: &'a Artifact, function: &str, event: &str) -> Option<&'a Effect> {
    let found = effects(artifact).find(|(name, effect)| *name == function && effect.event == event);
    found.map(|(_, effect)| effect)
}

/// As molt traces when it is told nothing: a system call that is made once in the midst of very many others is seen,
/// those are counted by sampling, and when they cost too much, estimated from what is still seen of them.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(crate) fn single_system_call_in_a_storm_is_seen(python: &Interpreter) {
    const READS: f64 = 3_060_000.0;
    let (artifact, traced) = trace_with(&[], python, &FLOOD, "0");
    for (function, event) in
        [("syncs", "sys:fsync"), ("reads_in_place", "sys:pread64"), ("connects", "sys:connect")]
    {
        let single = syscall(&artifact, function, event).map(|effect| (effect.count, effect.observation));
        assert_eq!(single, Some((1, Observation::Exact)), "{function}\n{}", traced.stderr);
    }
    // A pause may begin in the one and end in the other.
    let storms = ["short_storm", "long_storm"].map(|function| {
        let storm = syscall(&artifact, function, "sys:read").unwrap();
        (storm.count, storm.count_est.unwrap())
    });
    let [seen, estimate] =
        [storms[0].0 + storms[1].0, storms[0].1 + storms[1].1].map(|count| count as f64 / READS);
    assert!(seen < 0.1 && (0.4..1.6).contains(&estimate), "{seen:.3} seen, {estimate:.3} estimated");
    let reason = artifact.collector.sections[Section::SymbolsEffects.name()].reason.clone();
    assert!(reason.as_ref().is_some_and(|reason| reason.contains("not watched for")), "{reason:?}");
    // What is saved up at the start, 200 ms for calls and 40 ms for system calls, and what comes in; twice as much, as
    // molt may be late to close what is open.
    let overhead = artifact.collector.overhead.unwrap();
    let [spent, cpu_ms] = [
        overhead.spent.unwrap().as_millionths() as f64 / 1e6,
        overhead.target_cpu_ms.unwrap().as_micros() as f64 / 1e3,
    ];
    assert!(spent * cpu_ms < 2.0 * (240.0 + cpu_ms / 100.0), "{spent} of {cpu_ms} ms");
}
