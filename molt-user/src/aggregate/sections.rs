//! What is said of each section: how far it was observed, and why not further.

mod allocations;
mod calls;
mod effects;
mod mutations;

pub use allocations::AllocationCoverage;
pub use calls::{CallCoverage, Gaps, Missing, Seen};
pub use effects::EffectCoverage;
pub use mutations::MutationCoverage;

use molt_mpa::model::{Section, SectionState};

/// What decides how far the sections go.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all combinations occur")]
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Samples were taken.
    pub sampled: bool,
    /// `sys.modules` was read at least once.
    pub modules_seen: bool,
    /// Every process of the run was read when its interpreter was about to end.
    pub modules_at_end: bool,
    /// There were more of them than are listed.
    pub modules_cut: bool,
    /// Some class was looked at.
    pub types_seen: bool,
    /// Records were lost on the way.
    pub lost: bool,
    /// Calls, and what is seen at calls.
    pub calls: CallCoverage,
    /// Effects, imports and collections of garbage.
    pub effects: EffectCoverage,
    /// Requests of memory.
    pub allocations: AllocationCoverage,
    /// Changes of modules.
    pub mutations: MutationCoverage,
}

impl Coverage {
    /// Classes and instances are looked at, at the end as well where the process waits for it.
    fn types(&self) -> SectionState {
        if !(self.modules_seen || self.types_seen) {
            return SectionState::unavailable("no interpreter could be looked at");
        }
        let which = match self.calls.seen {
            Seen::Nothing(_) => {
                "classes of the program's own modules; calls, and the types that come with them, were not seen"
            }
            _ => {
                "classes of the program's own modules, and those whose instances came with the calls that were seen"
            }
        };
        let when =
            if self.modules_at_end { "when the program ended" } else { "when molt looked, not at the end" };
        SectionState::sampled(format!("{which}; as they were {when}, with a part of their instances"))
    }
}

/// The state of every section of a run.
pub fn states(coverage: &Coverage) -> impl Iterator<Item = (Section, SectionState)> {
    Section::ALL.into_iter().map(move |section| (section, state(section, coverage)))
}

fn state(section: Section, coverage: &Coverage) -> SectionState {
    let sampled = |reason: &str| {
        if coverage.sampled {
            SectionState::sampled(reason)
        } else {
            SectionState::unavailable("no sample of a supported Python was taken")
        }
    };
    let calls = &coverage.calls;
    match section {
        Section::Symbols => match calls.seen {
            Seen::Nothing(_) => sampled("functions that were on a stack when a sample was taken"),
            _ => calls.symbols(),
        },
        Section::CallSites => match calls.seen {
            Seen::Nothing(_) => sampled("calls that were on a stack when a sample was taken"),
            _ => calls.sites(),
        },
        Section::SymbolsCalls | Section::CallCounts => calls.counts(),
        Section::CallSitesSignatures => calls.signatures(),
        Section::CallSitesExceptions => calls.ends(),
        Section::SymbolsExceptions => calls.exceptions(),
        Section::Containers => calls.containers(),
        Section::Hotspots => sampled("shares of the samples taken"),
        Section::Modules if coverage.modules_cut => SectionState::partial(
            "sys.modules held more than is listed; collector.loss counts what was left out",
        ),
        Section::Modules if coverage.modules_at_end => SectionState::complete(),
        Section::Modules if coverage.modules_seen => SectionState::partial(
            "sys.modules was read while the program ran, not at its end; collector.processes says how long before",
        ),
        Section::Modules => sampled("modules whose code was on a stack; sys.modules could not be read"),
        Section::Events => coverage.effects.events(coverage.lost.then_some("records were lost")),
        Section::BranchCounts | Section::LoopCounts => SectionState::unavailable(
            "needs every branch to be seen, which has no hook outside the interpreter",
        ),
        Section::HotspotsAlloc => coverage.allocations.state(),
        Section::HotspotsNative => SectionState::unavailable("native stacks are not walked"),
        Section::ModulesMutations => coverage.mutations.state(coverage.modules_seen),
        Section::SymbolsEffects => coverage.effects.effects(),
        Section::Types => coverage.types(),
    }
}
