//! What an artifact made here would hold.

use super::Verdict;
use super::backend::Chosen;
use super::fact::Fact;
use super::hooks::Hooks;
use super::trial::Trial;
use crate::aggregate::sections::{AllocationCoverage, CallCoverage, Coverage, EffectCoverage, Seen, states};
use molt_mpa::model::{SectionState, Status};

/// How far each section would be filled by these hooks, and what that comes to. `obstacle` keeps molt from reading the
/// interpreter.
pub(super) fn forecast(
    trial: &Trial,
    backend: Chosen,
    hooks: &Hooks,
    obstacle: Option<&str>,
) -> (Vec<Fact>, Verdict) {
    // Everything that this version can see was seen.
    let effects = EffectCoverage { hooked: true, ..EffectCoverage::default() };
    let calls = CallCoverage { seen: Seen::Throughout, ..CallCoverage::default() };
    let best = Coverage {
        sampled: true,
        modules_seen: true,
        modules_at_end: true,
        effects,
        calls,
        allocations: AllocationCoverage::expected(&Ok(String::new())),
        ..Coverage::default()
    };
    let modules_at_end = backend == Chosen::Ebpf && trial.uprobe.is_done();
    let (calls, effects) = (hooks.calls.clone(), hooks.effects.clone());
    let allocations = hooks.allocations.clone();
    let expected = Coverage { modules_at_end, calls, effects, allocations, ..best.clone() };
    let obstacle = obstacle.or(match backend {
        Chosen::None(why) => Some(why),
        Chosen::Ebpf | Chosen::Procmem(_) => None,
    });
    let (mut facts, mut filled, mut all) = (Vec::new(), false, true);
    for ((section, most), (_, state)) in states(&best).zip(states(&expected)) {
        let name = section.name();
        if most.status == Status::Unavailable {
            facts.push(Fact { note: most.reason, ..Fact::neutral(name, word(most.status)) });
            continue;
        }
        let state = obstacle.map_or(state, SectionState::unavailable);
        let is_filled = state.status != Status::Unavailable;
        filled |= is_filled;
        all &= is_filled;
        let by = if is_filled { hooks.filling(section) } else { Vec::new() };
        let fact = if is_filled { Fact::good } else { Fact::neutral };
        facts.push(Fact { note: state.reason, by, ..fact(name, word(state.status)) });
    }
    let verdict = match (filled, all) {
        (false, _) => Verdict::None,
        (true, true) => Verdict::All,
        (true, false) => Verdict::Some,
    };
    (facts, verdict)
}

/// As the artifact writes it.
fn word(status: Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Sampled => "sampled",
        Status::Partial => "partial",
        Status::Unavailable => "unavailable",
    }
}
