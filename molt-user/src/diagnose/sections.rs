//! What an artifact made here would hold.

use super::Verdict;
use super::backend::Chosen;
use super::fact::Fact;
use super::trial::Trial;
use crate::aggregate::sections::{Coverage, EffectCoverage, states};
use molt_mpa::model::{SectionState, Status};

/// How far each section would be filled, and what that comes to. `obstacle` keeps molt from reading the
/// interpreter.
pub(super) fn forecast(trial: &Trial, backend: &Chosen, obstacle: Option<&str>) -> (Vec<Fact>, Verdict) {
    // Everything that this version can see was seen.
    let effects = EffectCoverage { hooked: true, ..EffectCoverage::default() };
    let best =
        Coverage { sampled: true, modules_seen: true, modules_at_end: true, effects, ..Coverage::default() };
    let is_hooked = *backend == Chosen::Ebpf && trial.uprobe.is_done();
    let effects = EffectCoverage { hooked: is_hooked, ..best.effects.clone() };
    let expected = Coverage { modules_at_end: is_hooked, effects, ..best.clone() };
    let obstacle = obstacle.or(match backend {
        Chosen::None(why) => Some(*why),
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
        filled |= state.status != Status::Unavailable;
        all &= state == most;
        let fact = if state == most { Fact::good } else { Fact::neutral };
        facts.push(Fact { note: state.reason, ..fact(name, word(state.status)) });
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
