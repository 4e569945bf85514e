//! How far requests of memory were seen.

use molt_mpa::model::SectionState;
use std::collections::BTreeSet;

/// How far requests of memory were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllocationCoverage {
    /// Windows in which they were.
    pub windows: u64,
    /// What the kernel gives the process for its heap was seen.
    pub growth: bool,
    /// What passed unseen, in words.
    pub reasons: BTreeSet<String>,
}

/// What windows show.
const WINDOWS: &str = "blocks that were asked for in windows, scaled to the run by the windows' share of it";
/// What system calls show.
const GROWTH: &str = "what was mapped for the heap";
/// Why there was no window.
const TOO_SHORT: &str = "the run was over before a window for them was opened";

impl AllocationCoverage {
    /// What a run would show in which there are such places for probes, or none for this reason.
    pub fn expected(places: &Result<String, String>) -> Self {
        match places {
            Ok(_) => Self { windows: 1, growth: true, ..Self::default() },
            Err(why) => Self { reasons: BTreeSet::from([why.clone()]), ..Self::default() },
        }
    }

    pub(super) fn state(&self) -> SectionState {
        let reasons = |first: &str| {
            let all: Vec<&str> = [first].into_iter().chain(self.reasons.iter().map(String::as_str)).collect();
            all.join("; ")
        };
        match (self.windows, self.growth) {
            (1.., true) => SectionState::sampled(reasons(&format!("{WINDOWS}, and {GROWTH}"))),
            (1.., false) => SectionState::sampled(reasons(WINDOWS)),
            (0, true) => {
                let missing = if self.reasons.is_empty() { TOO_SHORT } else { "no window was opened" };
                SectionState::partial(reasons(&format!("only {GROWTH}: {missing}")))
            }
            (0, false) => {
                let all: Vec<&str> = self.reasons.iter().map(String::as_str).collect();
                SectionState::unavailable(if all.is_empty() { TOO_SHORT.to_owned() } else { all.join("; ") })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use molt_mpa::model::Status;

    /// What was seen is told apart from what was not, and each gap has its reason.
    #[test]
    fn each_gap_is_told() {
        let mut coverage = AllocationCoverage::default();
        assert_eq!(coverage.state(), SectionState::unavailable(TOO_SHORT));
        coverage.reasons.insert("why".to_owned());
        assert_eq!(coverage.state(), SectionState::unavailable("why"));
        coverage.growth = true;
        assert_eq!(coverage.state().status, Status::Partial);
        coverage.windows = 3;
        let state = coverage.state();
        assert_eq!(state.status, Status::Sampled);
        assert!(state.reason.is_some_and(|reason| reason.ends_with("; why")));
    }
}
