//! What is said of each section: how far it was observed, and why not further.

use molt_mpa::model::{Section, SectionState};

/// What decides how far the sections go.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all combinations occur")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage {
    /// Samples were taken.
    pub sampled: bool,
    /// `sys.modules` was read at least once.
    pub modules_seen: bool,
    /// Every process of the run was read when its interpreter was about to end.
    pub modules_at_end: bool,
    /// Records were lost on the way.
    pub lost: bool,
}

/// Why nothing that needs every call is there.
const NEEDS_CALLS: &str = "needs every call to be seen; this run was sampled";

/// The state of every section of a sampled run.
pub fn states(coverage: Coverage) -> impl Iterator<Item = (Section, SectionState)> {
    Section::ALL.into_iter().map(move |section| (section, state(section, coverage)))
}

fn state(section: Section, coverage: Coverage) -> SectionState {
    let sampled = |reason: &str| {
        if coverage.sampled {
            SectionState::sampled(reason)
        } else {
            SectionState::unavailable("no sample of a supported Python was taken")
        }
    };
    match section {
        Section::Symbols => sampled("functions that were on a stack when a sample was taken"),
        Section::CallSites => sampled("calls that were on a stack when a sample was taken"),
        Section::Hotspots => sampled("shares of the samples taken"),
        Section::Modules if coverage.modules_at_end => SectionState::complete(),
        Section::Modules if coverage.modules_seen => {
            SectionState::partial("sys.modules was read while the program ran, not at its end")
        }
        Section::Modules => sampled("modules whose code was on a stack; sys.modules could not be read"),
        Section::Events if coverage.lost => SectionState::partial(
            "records of processes and threads were lost; imports and collections are not observed",
        ),
        Section::Events => {
            SectionState::partial("processes, threads and exec; imports and collections are not observed")
        }
        Section::SymbolsCalls
        | Section::CallCounts
        | Section::CallSitesSignatures
        | Section::CallSitesExceptions
        | Section::Containers
        | Section::SymbolsExceptions => SectionState::unavailable(NEEDS_CALLS),
        Section::BranchCounts | Section::LoopCounts => SectionState::unavailable(
            "needs every branch to be seen, which has no hook outside the interpreter",
        ),
        Section::HotspotsAlloc => SectionState::unavailable("allocations are not hooked"),
        Section::HotspotsNative => SectionState::unavailable("native stacks are not walked"),
        Section::ModulesMutations => SectionState::unavailable("assignments to modules are not hooked"),
        Section::SymbolsEffects => SectionState::unavailable("audit events and system calls are not hooked"),
        Section::Types => SectionState::unavailable("values are not read"),
    }
}
