//! How far changes of modules were seen.

use molt_mpa::model::SectionState;
use std::collections::BTreeSet;

/// How far changes of modules were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MutationCoverage {
    /// Some process had probes for assignments.
    pub hooked: bool,
    /// What passed unseen, in words.
    pub reasons: BTreeSet<String>,
}

/// What looks can show.
const LOOKS: &str = "what functions do to globals of their own module was seen from one look to the next";

impl MutationCoverage {
    /// `looked`: `sys.modules` was read at least once.
    pub(super) fn state(&self, looked: bool) -> SectionState {
        match (self.hooked, looked) {
            (true, true) => {
                let reasons: Vec<&str> = self.reasons.iter().map(String::as_str).chain([LOOKS]).collect();
                SectionState::partial(reasons.join("; "))
            }
            (true, false) => SectionState::partial(
                "assignments to attributes were counted; no namespace was looked at, since sys.modules could not be \
                 read",
            ),
            (false, true) => SectionState::sampled(
                "attributes that were different from one look to the next; assignments were not counted",
            ),
            (false, false) => SectionState::unavailable("sys.modules could not be read"),
        }
    }
}
