//! How far effects, imports and collections of garbage were seen.

use molt_mpa::model::SectionState;
use std::collections::BTreeSet;

/// How far effects, imports and collections of garbage were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EffectCoverage {
    /// Some process had probes for them.
    pub hooked: bool,
    /// System calls were seen, which needs none.
    pub syscalls: bool,
    /// Effects that passed unseen, in words.
    pub effects: BTreeSet<String>,
    /// Imports and collections that did.
    pub events: BTreeSet<String>,
}

impl EffectCoverage {
    /// What functions did to the world.
    pub(super) fn effects(&self) -> SectionState {
        match (self.hooked, joined(&self.effects)) {
            (false, _) if !self.syscalls => {
                SectionState::unavailable("audit events and system calls were not hooked")
            }
            (false, None) => SectionState::partial("audit events were not hooked"),
            (true, None) => SectionState::complete(),
            (_, Some(reasons)) => SectionState::partial(reasons),
        }
    }

    /// Everything that happens once. `further`: what else passed unseen.
    pub(super) fn events(&self, further: Option<&str>) -> SectionState {
        let unhooked = (!self.hooked).then_some("imports and collections of garbage were not hooked");
        let reasons = [further, unhooked].into_iter().flatten().map(str::to_owned).collect::<BTreeSet<_>>();
        match joined(&reasons.union(&self.events).cloned().collect()) {
            None => SectionState::complete(),
            Some(reasons) => SectionState::partial(reasons),
        }
    }
}

fn joined(reasons: &BTreeSet<String>) -> Option<String> {
    let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use molt_mpa::model::Status;

    /// Nothing is said to be complete of which a part has passed unseen.
    #[test]
    fn each_gap_is_told() {
        let mut coverage = EffectCoverage::default();
        assert_eq!(coverage.effects().status, Status::Unavailable);
        assert_eq!(coverage.events(None).status, Status::Partial);
        coverage.syscalls = true;
        assert_eq!(coverage.effects().status, Status::Partial);
        coverage.hooked = true;
        assert_eq!(coverage.effects(), SectionState::complete());
        assert_eq!(coverage.events(None), SectionState::complete());
        coverage.effects.insert("a".to_owned());
        coverage.events.insert("b".to_owned());
        assert_eq!(coverage.effects(), SectionState::partial("a"));
        assert_eq!(coverage.events(Some("c")), SectionState::partial("b; c"));
    }
}
